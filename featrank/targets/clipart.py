"""240 drawings in six classes from Open Clip Art, inside the package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from featrank.targets._decode import to_rgb
from featrank.targets._selection import canonical
from featrank.targets._splits import refuse_split
from featrank.targets._target import Access, Sample, Target

if TYPE_CHECKING:
    from PIL import Image

# Made by scripts/make_clipart.py; data/clipart.md says from what.
_DATA = Path(__file__).with_name("data") / "clipart.parquet"


def _columns(*names: str) -> list[dict[str, Any]]:
    # pq.read_table would take a second to import pandas and the dataset machinery.
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.ParquetFile(_DATA).read(columns=list(names)).to_pylist()
    return rows


@cache
def _images() -> dict[str, bytes]:
    """The encoded images by path, loaded once a process."""
    return {row["path"]: row["image"] for row in _columns("path", "image")}


def _read(sample: Sample) -> Image.Image:
    """The drawing in RGB."""
    return to_rgb(_images()[sample.path])


@dataclass(frozen=True)
class Clipart:
    """``--dataset clipart``."""

    name: str = "clipart"
    takes_label_column: bool = False

    def accepts(self, spec: str) -> bool:
        """Only the name itself: a folder called so is ``./clipart``."""
        return spec == self.name

    def open(self, spec: str, access: Access) -> Target:
        """All drawings.

        Raises:
            InputError: A split is asked for.
        """
        refuse_split(spec, access.split)
        rows = _columns("path", "class_name", "sha256")
        samples = (Sample(row["path"], row["class_name"], row["sha256"]) for row in rows)
        return Target(spec, None, canonical(samples), _read)


TARGET = Clipart()
