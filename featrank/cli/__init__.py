"""The command line: one file a command; nothing heavy is imported before a command runs."""

from __future__ import annotations

from featrank.cli.app import main

__all__ = ["main"]
