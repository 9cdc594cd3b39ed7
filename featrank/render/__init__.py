"""Ways out: one file an output format, all made from the one JSON document."""

from __future__ import annotations

from featrank.render._files import check_outputs, printed_format, refresh_outputs, write_outputs
from featrank.render._format import FORMATS, Format

__all__ = [
    "FORMATS",
    "Format",
    "check_outputs",
    "printed_format",
    "refresh_outputs",
    "write_outputs",
]
