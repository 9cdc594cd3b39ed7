"""The settings of a run, of which every command's options are made."""

from featrank.config.checks import DEVICES, Checked, Parsed, at_least, one_of
from featrank.config.parsing import cache_directory, either, model_names, split_list
from featrank.config.settings import (
    LAST,
    POOLINGS,
    PRECISIONS,
    By,
    CacheDir,
    RunConfig,
    ScoreConfig,
)
from featrank.config.target import Listing, Selection

__all__ = [
    "DEVICES",
    "LAST",
    "POOLINGS",
    "PRECISIONS",
    "By",
    "CacheDir",
    "Checked",
    "Listing",
    "Parsed",
    "RunConfig",
    "ScoreConfig",
    "Selection",
    "at_least",
    "cache_directory",
    "either",
    "model_names",
    "one_of",
    "split_list",
]
