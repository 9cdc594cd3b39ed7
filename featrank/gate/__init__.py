"""Whether a result passes: conditions, drops against a baseline, the verdict."""
