"""Images with several labels, of which scores can take one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from featrank.errors import InputError
from featrank.records import Skipped
from featrank.targets._target import SEVERAL


@dataclass
class SeveralLabels:
    """Decides for each image which label counts.

    Attributes:
        shown: The target, for messages.
        policy: ``first``, ``skip``, or None to refuse the set.
        skipped: The images that are left out.
        n_met: How many images have several.
        first: The first of them with its labels.
    """

    shown: str
    policy: str | None
    skipped: list[Skipped] = field(default_factory=list)
    n_met: int = 0
    first: tuple[str, tuple[str, ...]] = ("", ())

    def choose(self, path: str, labels: Sequence[str]) -> str | None:
        """The label that counts; empty where there is none, None where the image is left out.

        Args:
            path: The image, for messages.
            labels: All its labels, in the order of the source; empty ones are none.
        """
        distinct = list(dict.fromkeys(label for label in labels if label))
        if len(distinct) < 2:
            return "".join(distinct)
        self.first = self.first if self.n_met else (path, tuple(distinct))
        self.n_met += 1
        if self.policy == "first":
            return distinct[0]
        self.skipped.append(Skipped(path, SEVERAL))
        return None

    def refuse(self) -> None:
        """See that the user has said what is to be done.

        Raises:
            InputError: There are images with several labels, and nothing is said.
        """
        if self.policy is None and self.n_met:
            path, labels = self.first
            named = ", ".join(labels[:4]) + (", …" if len(labels) > 4 else "")
            have = "1 image has" if self.n_met == 1 else f"{self.n_met} images have"
            raise InputError(
                f"{have} several labels in '{self.shown}', first '{path}' ({named}), and scores"
                " compare classes of which an image has one",
                "take the first label: --multi-label first; or leave them out: --multi-label skip",
            )

    def warnings(self) -> tuple[str, ...]:
        """What was decided, where that is not told by the images left out."""
        if self.policy != "first" or not self.n_met:
            return ()
        have = "1 image has" if self.n_met == 1 else f"{self.n_met} images have"
        return (f"{have} several labels, of which the first counts: '{self.first[0]}' first",)
