"""Whether a run that is interrupted in the middle of a batch ends, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from gpu_checks.check import Figures, Finding, Setting, held

REPOSITORY = Path(__file__).parents[2]
# The program itself, except that its third pass says so and goes on until it is interrupted.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from featrank.cli import main
import featrank.extract.forward as forward

run = forward.Backbone.forward
passes = []

def endless(self, pixels):
    passes.append(len(pixels))
    if len(passes) == 3:
        print("in a batch", flush=True)
        while True:
            run(self, pixels)
    return run(self, pixels)

forward.Backbone.forward = endless
main()
"""
# What else on the card may move by, and how long an end may take.
SLACK, PATIENCE_S = 64e6, 30.0


def signals_end_a_run(setting: Setting) -> Finding:
    """SIGINT, then SIGTERM: the exit code, processes that are left, memory of the card."""
    found: Figures = {}
    holds = True
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        free = _free_bytes(setting)
        ended, seconds, left = _interrupted(setting, number)
        found[f"{number.name} exit"] = ended
        found[f"{number.name} s"] = round(seconds, 2)
        found[f"{number.name} processes left"] = left
        holds = holds and ended == code and left == "none"
        if setting.is_gpu:
            lost = free - _free_bytes(setting)
            found[f"{number.name} MB left on the card"] = round(lost / 1e6)
            holds = holds and lost <= SLACK
    return held(holds, found)


def _free_bytes(setting: Setting) -> int:
    return torch.cuda.mem_get_info(setting.device)[0] if setting.is_gpu else 0


def _interrupted(setting: Setting, number: signal.Signals) -> tuple[int, float, str]:
    """The exit code, seconds from the signal to the end, and whether processes are left."""
    command = [
        *(sys.executable, "-c", PROGRAM, "extract", "--dataset", str(setting.few_pictures)),
        *("--models", f"random:{setting.networks[0]}", "--device", str(setting.device)),
        *("--batch-size", str(setting.batch_sizes[0]), "--workers", str(min(setting.workers, 4))),
        *("--cache-dir", str(setting.cache), "--cache", "refresh"),
    ]
    paths = filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH")))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    errors = setting.folder / "interrupted.txt"
    with (
        errors.open("wb") as stream,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stream, env=environment, start_new_session=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                last = errors.read_text(errors="replace").strip().splitlines()[-1:]
                raise RuntimeError(f"the run ended before it was interrupted: {last}")
            sent = time.perf_counter()
            process.send_signal(number)
            ended = process.wait(PATIENCE_S)
            seconds = time.perf_counter() - sent
            left = _wait_for_group(process.pid)
        finally:
            if _alive(process.pid):
                os.killpg(process.pid, signal.SIGKILL)
    return ended, seconds, left


def _wait_for_group(group: int) -> str:
    """Decoders see the end of their parent a moment later."""
    until = time.monotonic() + 5
    while _alive(group):
        if time.monotonic() > until:
            return "some"
        time.sleep(0.05)
    return "none"


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
