"""What a check is, what it finds, and the setting it runs in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from featrank.config import Selection
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Target, open_target
from gpu_checks.pictures import write_pictures

OK, FAILED, MEASURED, SKIPPED, NOT_RUN = "ok", "failed", "measured", "skipped", "not run"
NEEDS_GPU = "needs a GPU"

Figures = dict[str, float | int | str]


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        status: ok or failed; measured, where nothing is demanded; skipped or not run, for which
            the note is the reason.
        found: Figures by name.
        note: What else is to be said.
    """

    status: str
    found: Figures = field(default_factory=dict)
    note: str = ""


def held(holds: bool, found: Figures, note: str = "") -> Finding:
    """A finding of a check that demands something."""
    return Finding(OK if holds else FAILED, found, note)


@dataclass(frozen=True)
class Setting:
    """Where the checks run, and how large they are.

    Attributes:
        device: The device that is checked.
        quick: Small networks and few images, to check the checks.
        folder: For scratch files.
        workers: Decoding processes.
    """

    device: torch.device
    quick: bool
    folder: Path
    workers: int

    @property
    def is_gpu(self) -> bool:
        return self.device.type == "cuda"

    @property
    def networks(self) -> tuple[str, ...]:
        """A CNN, a ViT, and a CNN that is bound by memory."""
        if self.quick:
            return ("test_resnet", "test_vit", "test_efficientnet")
        return ("resnet50", "vit_base_patch16_224", "tf_efficientnet_lite0")

    @property
    def batch_sizes(self) -> tuple[int, int]:
        """The usual one, and a large one."""
        return (4, 8) if self.quick else (32, 256)

    @property
    def repeat(self) -> int:
        """How often what is timed is run."""
        return 1 if self.quick else 3

    @cached_property
    def few_pictures(self) -> Path:
        """A folder of images whose last batch is a tail at either batch size."""
        n_images = 22 if self.quick else 300
        return write_pictures(self.folder / "few", n_images, n_distinct=11 if self.quick else 60)

    @cached_property
    def many_pictures(self) -> Path:
        """A folder of images that keep 16 decoders busy for some seconds."""
        if self.quick:
            return self.few_pictures
        return write_pictures(self.folder / "many", 8000, n_distinct=60)

    @cached_property
    def few(self) -> Target:
        return open_target(str(self.few_pictures), Selection(), FileHashes())

    @property
    def cache(self) -> Path:
        """A cache for the program, gone with the other scratch files."""
        return self.folder / "cache"

    def wait(self) -> None:
        """Until the device has done all that it was given."""
        if self.is_gpu:
            torch.cuda.synchronize(self.device)


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Attributes:
        name: A few words.
        expected: What should be found, or what is to be measured.
        run: Looks.
        needs_gpu: Whether there is nothing to look at without one.
    """

    name: str
    expected: str
    run: Callable[[Setting], Finding]
    needs_gpu: bool = False
