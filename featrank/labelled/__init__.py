"""Features with labels as metrics take them: moments, folds, held-out fits, samples."""
