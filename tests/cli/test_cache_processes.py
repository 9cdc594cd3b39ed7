"""The cache among several processes, some of which die, on disks that fill up or refuse."""

from __future__ import annotations

import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

Main = Callable[..., Any]
MODEL = "random:test_resnet"
N, PART, BATCH = 240, 32, 8
BASE = ("--dataset", "clipart", "--models", MODEL, "--batch-size", BATCH, "--part-rows", PART)
HERE = (*BASE, "--workers", 0)
SCORED = ("--metrics", "gda,nb")


class Started:
    """A run of the program that is going on."""

    def __init__(self, folder: Path, environment: dict[str, str], arguments: tuple[Any, ...]):
        folder.mkdir()
        self.folder = folder
        with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "featrank", *map(str, arguments)],
                stdout=out, stderr=err, env=environment, start_new_session=True,
            )  # fmt: skip

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    @property
    def forwarded(self) -> int:
        """Images that it says went through the network."""
        found = re.search(r"forwarded (\d+) images", self.out)
        assert found, self.out + self.err
        return int(found[1])

    def until(self, what: Callable[[], object]) -> None:
        end = time.monotonic() + 600
        while not what():
            assert self.process.poll() is None, f"it ended too early: {self.out}{self.err}"
            assert time.monotonic() < end, f"it did not come to that: {self.err}"
            time.sleep(0.01)

    def wait(self) -> int:
        return self.process.wait(120)


Start = Callable[..., Started]


@pytest.fixture
def environment(cache_dir: Path, tmp_path: Path) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "FEATRANK_"))}
    own = {"FEATRANK_CACHE": str(cache_dir), "HF_HOME": str(tmp_path / "hf")}
    # Several at once with a thread a processor each would mostly wait for one another.
    return {**inherited, **own, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start the program in a process group of its own; nothing of it outlives the test."""
    started: list[Started] = []

    def run(*arguments: object) -> Started:
        started.append(Started(tmp_path / f"process-{len(started)}", environment, arguments))
        return started[-1]

    yield run
    for run_ in started:
        if run_.process.poll() is None:
            os.killpg(run_.process.pid, signal.SIGKILL)
            run_.process.wait()


def parts(cache: Path, layer: str = "*") -> list[Path]:
    return sorted((cache / "features").glob(f"*/{layer}_*/part-*.parquet"))


def rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def done(cache: Path) -> int:
    """Rows that both layers of the pass have; it writes them in order."""
    return min(sum(map(rows, parts(cache, layer))) for layer in ("pre_logits", "head"))


def scores(path: Path) -> dict[str, float]:
    (row,) = json.loads(path.read_text())["rows"]
    return {name: score["value"] for name, score in row["scores"].items()}


def extracted(err: str) -> int:
    """Images that a run put through the network, by its progress."""
    return sum(int(done) for done, total in re.findall(r"(\d+)/(\d+) images", err) if done == total)


def test_four_at_once_extract_once_and_score_the_same(start: Start, tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.json" for i in range(4)]
    runs = [start("rank", *HERE, *SCORED, "-o", file) for file in files]
    assert [run.wait() for run in runs] == [0] * 4, [run.err for run in runs]
    assert sum(extracted(run.err) for run in runs) == N
    assert all(scores(file) == scores(files[0]) for file in files)
    status = sorted(json.loads(file.read_text())["rows"][0]["status"] for file in files)
    assert status == ["cached"] * 3 + ["ok"]


def test_one_is_killed_and_the_rest_finish_its_work(
    start: Start, featrank_main: Main, cache_dir: Path
) -> None:
    first = start("extract", *BASE, "--workers", 1)
    first.until(lambda: done(cache_dir))
    first.process.send_signal(signal.SIGSTOP)
    others = [start("extract", *HERE) for _ in range(2)]
    for other in others:
        other.until(lambda run=other: "waiting for" in run.err)  # type: ignore[misc]
    left, n_done = parts(cache_dir), done(cache_dir)
    assert 0 < n_done < N
    first.process.kill()
    assert [other.wait() for other in others] == [0, 0], [other.err for other in others]
    assert sum(other.forwarded for other in others) == N - n_done
    assert set(left) <= set(parts(cache_dir))
    assert done(cache_dir) == N
    assert featrank_main("cache", "verify").code == 0


@pytest.mark.parametrize("to_all", [False, True], ids=["main process", "whole group"])
def test_sigterm_ends_it_soon_and_the_next_run_goes_on(
    start: Start, featrank_main: Main, cache_dir: Path, to_all: bool
) -> None:
    run = start("extract", *BASE, "--workers", 2)
    run.until(lambda: done(cache_dir))
    (os.killpg if to_all else os.kill)(run.process.pid, signal.SIGTERM)
    assert run.wait() == 143, run.out + run.err
    assert "the same command goes on from there" in run.err
    assert "Traceback" not in run.err
    left, n_done = parts(cache_dir), done(cache_dir)
    assert not list(cache_dir.glob("features/**/*.tmp"))
    assert featrank_main("cache", "verify").code == 0
    ended = featrank_main("extract", *HERE)
    assert f"forwarded {N - n_done} images" in ended.out
    assert set(left) <= set(parts(cache_dir))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[random.Random(path.name).randrange(len(data))] ^= 0x10
    path.write_bytes(data)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def test_every_damage_is_named_and_mended_and_changes_no_score(
    featrank_main: Main, cache_dir: Path, tmp_path: Path
) -> None:
    def rank() -> Any:
        for kept in cache_dir.glob("features/*/*/scores"):
            shutil.rmtree(kept)  # so that they are computed again
        ended = featrank_main("rank", *HERE, *SCORED, "-o", tmp_path / "r.json")
        assert ended.code == 0, ended
        return ended

    rank()
    expected = scores(tmp_path / "r.json")
    whole = {path: path.read_bytes() for path in parts(cache_dir, "pre_logits")}
    assert len(whole) == -(-N // PART)
    last = list(whole)[-1]
    unread = parts(cache_dir, "head")[0]  # no metric here reads it: nothing is forwarded for it
    cases = [*((path, flip) for path in whole), (last, truncate), (last, Path.unlink)]
    for path, damage in [*cases, (unread, flip)]:
        expected_rows = rows(path) if path in whole else 0
        damage(path)
        found = featrank_main("cache", "verify")
        assert found.code == 3
        assert f"damaged: {path.parent.name}/{path.name}" in found.out
        assert "1 damaged files" in found.out
        ended = rank()
        # A part that is missing cannot be set aside.
        moved = ", gone by now" if damage is Path.unlink else " set aside"
        assert f"damaged cache file{moved}: {path.parent.name}/{path.name}" in ended.err
        assert extracted(ended.err) == expected_rows
        assert scores(tmp_path / "r.json") == expected
        assert {path: path.read_bytes() for path in parts(cache_dir, "pre_logits")} == whole
        assert featrank_main("cache", "verify").code == 0


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\x00"])
def test_a_lost_manifest_is_named_and_costs_no_forward_pass(
    featrank_main: Main, cache_dir: Path, tmp_path: Path, content: bytes
) -> None:
    arguments = ("rank", *HERE, *SCORED, "-o", tmp_path / "r.json")
    assert featrank_main(*arguments).code == 0
    expected = scores(tmp_path / "r.json")
    (manifest,) = cache_dir.glob("features/*/pre_logits*/_manifest.json")
    manifest.write_bytes(content)
    found = featrank_main("cache", "verify")
    assert found.code == 3
    assert f"damaged: {manifest.parent.name}/_manifest.json" in found.out
    ended = featrank_main(*arguments)
    assert ended.code == 0
    assert "_manifest.json" in ended.err
    assert extracted(ended.err) == 0
    assert scores(tmp_path / "r.json") == expected
    assert featrank_main("cache", "verify").code == 0


def no_room(text: str) -> tuple[int, int]:
    """The bytes needed and free, as the message has them."""
    found = re.search(r"no room in the cache: .* needs ([\d,]+) bytes, ([\d,]+) are free", text)
    assert found, text
    return int(found[1].replace(",", "")), int(found[2].replace(",", ""))


def test_a_file_size_limit_ends_it_cleanly_and_the_next_run_goes_on(
    environment: dict[str, str], featrank_main: Main, cache_dir: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "featrank", "extract", *map(str, HERE)],
        capture_output=True, text=True, timeout=600, check=False,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, 16_000)),
    )  # fmt: skip
    assert ended.returncode == 3, ended.stderr
    needed, _ = no_room(ended.stdout)
    assert needed > 16_000
    assert "--cache-dir" in ended.stdout
    assert "Traceback" not in ended.stderr
    assert featrank_main("cache", "verify").code == 0
    assert featrank_main("extract", *HERE).code == 0
    assert done(cache_dir) == N


class Disk:
    """A small file system of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def set(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.path], check=True)

    @property
    def used(self) -> int:
        return shutil.disk_usage(self.path).used


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    path = tmp_path / "disk"
    path.mkdir()
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a file system")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", path], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield Disk(path)
    subprocess.run(["umount", "-l", path], check=True)


def test_a_full_disk_ends_it_cleanly_and_the_next_run_goes_on(
    featrank_main: Main, cache_dir: Path, disk: Disk
) -> None:
    cache = shutil.copytree(cache_dir, disk.path / "cache")
    disk.set(f"size={disk.used + 700_000}")
    arguments = ("extract", *HERE, "--cache-dir", cache)
    ended = featrank_main(*arguments)
    assert ended.code == 3, ended
    needed, free = no_room(ended.out)
    assert free < needed < 700_000
    left, n_done = parts(cache), done(cache)
    assert 0 < n_done < N
    assert not list(cache.glob("features/**/*.tmp"))
    assert featrank_main("cache", "verify", "--cache-dir", cache).code == 0
    disk.set("size=64m")
    again = featrank_main(*arguments)
    assert f"forwarded {N - n_done} images" in again.out
    assert set(left) <= set(parts(cache))


@pytest.fixture
def read_only(
    request: pytest.FixtureRequest, cache_dir: Path
) -> tuple[Path, Callable[[], None], Callable[[], None]]:
    """A cache, how to make it read-only, and how to make it writable again."""
    if os.geteuid() == 0:  # whom permissions do not stop
        disk = request.getfixturevalue("disk")
        cache = shutil.copytree(cache_dir, disk.path / "cache")
        return cache, lambda: disk.set("ro"), lambda: disk.set("rw")

    def chmod(mode: str) -> None:
        subprocess.run(["chmod", "-R", mode, cache_dir], check=True)

    return cache_dir, lambda: chmod("a-w"), lambda: chmod("u+w")


def test_a_read_only_cache_serves_what_it_has_and_says_what_it_cannot(
    featrank_main: Main,
    read_only: tuple[Path, Callable[[], None], Callable[[], None]],
    tmp_path: Path,
) -> None:
    cache, lock, unlock = read_only
    where = ("--cache-dir", cache)
    arguments = ("rank", *HERE, *SCORED, *where, "-o", tmp_path / "r.json")
    assert featrank_main(*arguments).code == 0
    expected = scores(tmp_path / "r.json")
    for kept in cache.glob("features/*/*/scores"):
        shutil.rmtree(kept)
    lock()
    warm = featrank_main(*arguments)
    assert warm.code == 0, warm
    assert "1 cached, 0 to extract" in warm.err
    assert scores(tmp_path / "r.json") == expected
    for command in ("list", "verify"):
        assert featrank_main("cache", command, *where).code == 0
    other = ("--dataset", "clipart", "--models", "random:test_vit", "--workers", 0, *where)
    cold = featrank_main("extract", *other)
    assert cold.code == 3
    assert "cannot write the cache" in cold.out
    assert "--cache-dir" in cold.out
    assert "Traceback" not in cold.err
    refused = featrank_main("cache", "prune", "--model", "*", *where)
    assert refused.code == 3
    assert "cannot write the cache" in refused.err
    unlock()
    flip(parts(cache, "pre_logits")[1])
    lock()
    damaged = featrank_main("rank", *HERE, *SCORED, *where)
    assert damaged.code == 3
    assert parts(cache, "pre_logits")[1].name in damaged.out + damaged.err
    unlock()
    assert featrank_main(*arguments).code == 0
    assert scores(tmp_path / "r.json") == expected


def test_cache_commands_and_scores_from_the_cache_import_no_torch(
    featrank_main: Main, featrank_process: Any, tmp_path: Path
) -> None:
    assert featrank_main("extract", *HERE).code == 0
    entries = json.loads(featrank_main("cache", "list", "--json").out)
    (key,) = (entry["id"] for entry in entries if entry["key"]["layer"] == "pre_logits")
    for arguments in (
        ("cache", "list"),
        ("cache", "show", key),
        ("cache", "verify"),
        ("cache", "export", key, tmp_path / "f.npz"),
        ("cache", "prune", "--older-than", "1d", "--dry-run"),
        ("score", key, *SCORED),
        ("score", tmp_path / "f.npz", *SCORED),
    ):
        ended = featrank_process(*arguments, PYTHONPROFILEIMPORTTIME="1")
        assert ended.returncode == 0, (arguments, ended.stdout)
        imported = {line.split("|")[-1].strip().split(".")[0] for line in ended.stderr.splitlines()}
        assert "typer" in imported
        assert not imported & {"torch", "torchvision", "timm"}, arguments


def test_pruning_leaves_what_a_process_uses(
    start: Start, featrank_main: Main, cache_dir: Path
) -> None:
    run = start("extract", *HERE)
    # Both of its layers have bytes: one without any is none that a size would remove.
    run.until(lambda: parts(cache_dir, "head") and parts(cache_dir, "pre_logits"))
    run.process.send_signal(signal.SIGSTOP)
    left = parts(cache_dir)
    ended = featrank_main("cache", "prune", "--max-size", "0B")
    assert ended.code == 0
    assert "removed 0 layers" in ended.out
    assert "kept 2 layers that are in use" in ended.err
    assert parts(cache_dir) == left
    run.process.send_signal(signal.SIGCONT)
    assert run.wait() == 0
    assert run.forwarded == N
    assert "removed 2 layers" in featrank_main("cache", "prune", "--max-size", "0B").out
    assert parts(cache_dir) == []
