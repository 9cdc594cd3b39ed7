"""1,797 handwritten digits, 8 by 8 pixels, that come inside scikit-learn."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from featrank.errors import IncompleteError
from featrank.targets._selection import canonical
from featrank.targets._splits import refuse_split
from featrank.targets._target import Access, Sample, Target

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from PIL import Image

_SIDE = 8
_WHITE = 16  # the ink's scale in the file is 0 to 16


@cache
def _table() -> npt.NDArray[np.uint8]:
    """One row a digit: 64 values of grey, then the label.

    The file is read from scikit-learn's folder, because importing scikit-learn takes seconds.

    Raises:
        IncompleteError: scikit-learn is not installed, or came without the file.
    """
    import numpy as np

    package = find_spec("sklearn")
    folders = package.submodule_search_locations if package is not None else None
    files = [Path(folder, "datasets", "data", "digits.csv.gz") for folder in folders or ()]
    path = next((file for file in files if file.is_file()), None)
    if path is None:
        raise IncompleteError(
            "the digits are a file of scikit-learn, which is not installed in full",
            "pip install --force-reinstall scikit-learn",
        )
    table = np.loadtxt(path, delimiter=",")
    table[:, :-1] = np.rint(table[:, :-1] * 255 / _WHITE)
    return table.astype(np.uint8)


def _read(sample: Sample) -> Image.Image:
    """The digit in RGB."""
    from PIL import Image

    row = _table()[int(sample.path.removeprefix("digit-"))]
    return Image.fromarray(row[:-1].reshape(_SIDE, _SIDE)).convert("RGB")


@dataclass(frozen=True)
class Digits:
    """``--dataset digits``."""

    name: str = "digits"
    takes_label_column: bool = False

    def accepts(self, spec: str) -> bool:
        """Only the name itself: a folder called so is ``./digits``."""
        return spec == self.name

    def open(self, spec: str, access: Access) -> Target:
        """All digits.

        Raises:
            InputError: A split is asked for.
            IncompleteError: scikit-learn's file is not there.
        """
        refuse_split(spec, access.split)
        samples = (
            Sample(f"digit-{index:04}", str(row[-1]), hashlib.sha256(row[:-1]).hexdigest())
            for index, row in enumerate(_table())
        )
        return Target(spec, None, canonical(samples), _read)


TARGET = Digits()
