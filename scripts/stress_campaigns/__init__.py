"""Campaigns of the stress script: each disturbs featrank in one way and counts what came of it."""
