"""Check the GPU path on this machine: one command, at most six minutes on an H100.

Untrained networks and generated JPEGs, so nothing is downloaded and nothing but featrank's own
dependencies is needed. Prints one table, what is expected beside what was found; ``--json`` keeps
the same as a document, written anew after each check. docs/gpu.md says what each line means.

    PYTHONPATH=. python3 scripts/check_gpu.py --json gpu.json
    PYTHONPATH=. python3 scripts/check_gpu.py --device cpu --quick     # checks the checks

Exit 0 where all holds, 1 where something does not, 3 where not everything could be looked at.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpu_checks.check import Check, Finding, Setting

BUDGET_S = 330.0
DONE, DOES_NOT_HOLD, COULD_NOT_RUN, INTERRUPTED = 0, 1, 3, 130


def all_checks() -> Sequence[Check]:
    """The most telling ones first."""
    from gpu_checks import endings, marked_tests, memory, numbers, speed
    from gpu_checks.check import Check

    return (
        Check("tests marked cuda", "all pass", marked_tests.tests_marked_cuda),
        Check("float32 as on the CPU", f"≤ {numbers.FLOAT32:.0e}", numbers.float32_as_on_the_cpu),
        Check(
            "TF32 would be seen",
            f"forced on: > {numbers.FLOAT32:.0e}",
            numbers.tf32_would_be_seen,
            needs_gpu=True,
        ),
        Check("bfloat16 is near", f"≤ {numbers.BFLOAT16:.0e}", numbers.bfloat16_is_near),
        Check(
            "the same numbers again",
            f"equal bits; other batches ≤ {numbers.BATCHES:.0e}",
            numbers.same_numbers_again,
        ),
        Check(
            "memory is given back",
            f"≤ {memory.ALLOWED / 1e6:.0f} MB after each model",
            memory.memory_is_given_back,
        ),
        Check(
            "signals end a run",
            "130 and 143, nothing left",
            endings.signals_end_a_run,
        ),
        Check(
            "loop against bare pass",
            "share 0.45 to 0.65; later ≥ 0.95",
            speed.loop_against_bare_pass,
        ),
        Check(
            "uploads and waits",
            "pinned, 1 + layers waits; later 0 waits",
            speed.uploads_and_waits,
            needs_gpu=True,
        ),
        Check(
            "four models from files",
            "all extracted; 1,500 model-images/s, later 2,700",
            speed.four_models,
        ),
        Check("layouts", "a figure to choose by", speed.layouts),
        Check("a new batch size", "tail 0.1 to 1 s; padded none", speed.a_new_batch_size),
        Check("weights cast once", "half the operations", speed.weights_cast_once),
        Check(
            "tmi on the device",
            "value equal; under 2 times as fast: not worth a path",
            numbers.tmi_on_the_device,
        ),
    )


def heading(setting: Setting) -> dict[str, Any]:
    """What is checked, and with what."""
    import torch

    from featrank.extract.device import device_name
    from featrank.stamp import package_versions

    return {
        "device": str(setting.device),
        "card": device_name(setting.device),
        "driver": _driver() if setting.is_gpu else None,
        "cuda": torch.version.cuda if setting.is_gpu else None,
        "python": platform.python_version(),
        "versions": package_versions(),
        "decoders": setting.workers,
        "quick": setting.quick,
    }


def _driver() -> str | None:
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        ended = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(ended.stdout.split()), None)


def examine(check: Check, setting: Setting, out_of_time: Callable[[], bool]) -> Finding:
    """Run one check; what it dies of is its own failure and nobody else's."""
    from gpu_checks.check import FAILED, NEEDS_GPU, NOT_RUN, SKIPPED, Finding

    if check.needs_gpu and not setting.is_gpu:
        return Finding(SKIPPED, note=NEEDS_GPU)
    if out_of_time():
        return Finding(NOT_RUN, note="no time left")
    try:
        return check.run(setting)
    except Exception as error:
        line = next(iter(str(error).splitlines()), "")
        return Finding(FAILED, note=f"{type(error).__name__}: {line}")


def run_checks(checks: Sequence[Check], setting: Setting, budget: float, path: Path | None) -> int:
    """Run them one by one, print and keep what each found; the exit code."""
    from gpu_checks.check import FAILED, NOT_RUN

    started = time.monotonic()
    document: dict[str, Any] = {**heading(setting), "checks": []}
    versions = document["versions"]
    known = (name for name in ("torch", "torchvision", "timm") if name in versions)
    print(
        f"{document['card']}, driver {document['driver'] or 'none'}, {setting.workers} decoders, "
        + ", ".join(f"{name} {versions[name]}" for name in known)
    )
    print("\n| check | status | expected | found | s |\n|---|---|---|---|---|", flush=True)
    for check in checks:
        begun = time.monotonic()
        finding = examine(check, setting, lambda: time.monotonic() - started > budget)
        seconds = round(time.monotonic() - begun, 1)
        told = "; ".join([*(f"{k} {_figure(v)}" for k, v in finding.found.items())])
        told = "; ".join(filter(None, (told, finding.note))).replace("|", "\\|")
        print(
            f"| {check.name} | {finding.status} | {check.expected} | {told} | {seconds} |",
            flush=True,
        )
        entry = {"name": check.name, "expected": check.expected, **asdict(finding)}
        document["checks"].append({**entry, "seconds": seconds})
        if path is not None:
            _write(path, document)
    statuses = [entry["status"] for entry in document["checks"]]
    if FAILED in statuses:
        return DOES_NOT_HOLD
    return COULD_NOT_RUN if NOT_RUN in statuses else DONE


def _figure(value: float | int | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _write(path: Path, document: dict[str, Any]) -> None:
    from featrank.storage.atomic import atomic_path

    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Run the checks."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--quick", action="store_true", help="tiny networks and few images")
    parser.add_argument("--budget", type=float, default=BUDGET_S, help="seconds; none begins later")
    parser.add_argument("--json", "-o", type=Path, metavar="FILE", help="keep the document here")
    given = parser.parse_args()
    try:
        from gpu_checks.check import Setting

        from featrank.errors import FeatrankError
        from featrank.extract.device import choose_device
        from featrank.extract.images import default_workers

        checks = all_checks()
    except ImportError as error:
        print(f"cannot check: {error}; featrank and what it needs must be there", file=sys.stderr)
        return COULD_NOT_RUN
    try:
        with tempfile.TemporaryDirectory() as folder:
            device = choose_device(given.device)
            setting = Setting(device, given.quick, Path(folder), default_workers())
            return run_checks(checks, setting, given.budget, given.json)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (FeatrankError, OSError) as error:
        print(f"cannot check: {error}", file=sys.stderr)
        return COULD_NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
