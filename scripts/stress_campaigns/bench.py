"""Where campaigns work: images, an environment, runs of the program, and what they must print."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from stress_campaigns.watch import Snapshot

MODEL = "random:test_vit"
_CRASH = re.compile(r"Traceback|this is a bug|unexpected \w+(Error|Exception|Warning)?:")


@dataclass(frozen=True)
class Ended:
    """A run that is over.

    Attributes:
        code: Its exit code, negative for a signal; None where it had to be killed.
        out: What it printed.
        err: What it said.
    """

    code: int | None
    out: str
    err: str

    @property
    def wrong(self) -> str:
        """How it ended as no run may; empty where it ended well or with a sentence."""
        if self.code is None:
            return "no end"
        if crash := _CRASH.search(self.out + self.err):
            line = (self.out + self.err)[crash.start() :][:300]
            return f"exit {self.code}, {line!r}"
        if self.code not in (0, 2, 3):
            return f"exit {self.code}, {self.err[-300:]!r}"
        if self.code and not (re.search(r"error: \S", self.err, re.I) or '"reason"' in self.out):
            return f"exit {self.code} without a sentence: {self.err[-300:]!r}"
        return ""


class Bench:
    """A place with images and a warm parent of runs.

    Runs are forked from this process, which has imported what takes long and computed nothing.

    Args:
        place: An empty folder; everything happens in it.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.kept = place / "kept"
        self.cache = self.kept / "cache"
        self.result = self.kept / "result.json"
        self.temporary = place / "tmp"
        for folder in (self.kept, self.temporary):
            folder.mkdir()
        self.environment = {
            **os.environ,
            "FEATRANK_CACHE": str(self.cache),
            "TMPDIR": str(self.temporary),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for name in ("FEATRANK_CONFIG", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
            self.environment.pop(name, None)

    def images(self, name: str, per_class: int) -> Path:
        """A folder of four classes of noisy squares, the same every time."""
        root = self.place / name
        if not root.exists():
            rng = np.random.default_rng(0)
            for number in range(4):
                folder = root / f"class {number}"
                folder.mkdir(parents=True)
                base = rng.integers(0, 255, (8, 8, 3))
                for i in range(per_class):
                    pixels = np.clip(base + rng.integers(-60, 60, base.shape), 0, 255)
                    image = Image.fromarray(pixels.astype("uint8")).resize((64, 64))
                    image.save(folder / f"{i:03}.png")
        return root

    @cached_property
    def rank(self) -> tuple[str, ...]:
        """The run whose numbers must stay: it reads every kind of file that the cache keeps."""
        images = self.images("images", 10)
        return (
            *("rank", "-q", "--dataset", str(images), "--models", MODEL, "--layers", "2"),
            *("--part-rows", "16", "--batch-size", "8", "--workers", "0", "--null", "2"),
            *("--format", "json"),
        )

    @cached_property
    def reference(self) -> tuple[Snapshot, str]:
        """What a run that nobody disturbed keeps, and the numbers that it prints."""
        first = self.run(*self.rank, "-o", str(self.result))
        second = self.run(*self.rank)
        if first.code or second.code or numbers(first.out) != numbers(second.out):
            raise RuntimeError(f"the undisturbed run failed: {first} {second}")
        self.run("models", "torchvision:resnet*", "--json")
        return Snapshot(self.kept), numbers(first.out)

    def run(
        self,
        *arguments: str,
        before: Callable[[], None] | None = None,
        limit: float = 300,
        cache: Path | None = None,
    ) -> Ended:
        """A run in a forked process; ``before`` is called in it at the start."""
        return self.wait(self.start(*arguments, before=before, cache=cache), limit)

    def start(
        self, *arguments: str, before: Callable[[], None] | None = None, cache: Path | None = None
    ) -> int:
        """Fork a run, in a session of its own; its process id."""
        _warm_up()
        child = os.fork()
        if child == 0:
            self._become_program(arguments, self._streams, before, cache)
        return child

    @property
    def _streams(self) -> tuple[Path, Path]:
        return self.place / "out", self.place / "err"

    def wait(self, child: int, limit: float) -> Ended:
        """Its end; after the limit it is killed, with all that it started."""
        out, err = self._streams
        end = time.monotonic() + limit
        code: int | None = None
        while time.monotonic() < end:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                break
            time.sleep(0.005)
        else:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
        return Ended(code, out.read_text(errors="replace"), err.read_text(errors="replace"))

    def _become_program(
        self, arguments: tuple[str, ...], streams: tuple[Path, Path],
        before: Callable[[], None] | None, cache: Path | None,
    ) -> None:  # fmt: skip
        code = 99
        try:
            os.setsid()
            # A job in a shell's background starts with Ctrl-C ignored, and would pass that on.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for number, path in enumerate(streams, 1):
                os.dup2(os.open(path, flags), number)
            os.environ.clear()
            os.environ.update(self.environment)
            if cache is not None:
                os.environ["FEATRANK_CACHE"] = str(cache)
            sys.argv = ["featrank", *arguments]
            if before is not None:
                before()
            from featrank.cli import main

            main()
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else 98
        except BaseException as error:
            os.write(2, f"Traceback: {error!r}".encode())
        finally:
            os._exit(code)


def numbers(printed: str) -> str:
    """All that a result's document says of images, models and scores, as one text; '' for none."""
    try:
        document = json.loads(printed)
        target = document["target"]
        said: list[Any] = [target["n_images"], target["class_counts"], document["skipped"]]
        names = ("model", "layer", "n_features", "n_params", "scores", "reason")
        said += [[row.get(name) for name in names] for row in document["rows"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return json.dumps(said, sort_keys=True)


def _warm_up() -> None:
    """Import what takes long, and let nothing compute: a fork must not inherit busy threads."""
    if "featrank.extract.forward" not in sys.modules:
        os.environ["OMP_NUM_THREADS"] = "1"
        import torch

        torch.set_num_threads(1)
