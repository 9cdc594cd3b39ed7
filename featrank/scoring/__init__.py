"""Metrics times features: scores, their nulls, learning curves."""
