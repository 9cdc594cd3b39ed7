"""What all tests share: real images, timm's index made once, the program as a process."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from loopback_hub import LoopbackHub

import featrank.targets
from featrank.zoos import Shelf
from featrank.zoos._hub import HUB
from featrank.zoos._timm_index import TimmIndex

CLIPART = Path(featrank.targets.__file__).parent / "data" / "clipart.parquet"

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def clipart_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six folders of twelve real images each."""
    root = tmp_path_factory.mktemp("clipart")
    seen: dict[str, int] = {}
    for row in pq.read_table(CLIPART).to_pylist():
        n = seen[row["class_name"]] = seen.get(row["class_name"], 0) + 1
        if n <= 12:
            folder = root / row["class_name"]
            folder.mkdir(exist_ok=True)
            suffix = "webp" if row["image"][:4] == b"RIFF" else "png"
            suffix = "jpg" if row["image"][:2] == b"\xff\xd8" else suffix
            (folder / f"{n:02d}.{suffix}").write_bytes(row["image"])
    return root


@pytest.fixture
def images(clipart_folder: Path, tmp_path: Path) -> Path:
    """A copy of the folder that a test may change."""
    return Path(shutil.copytree(clipart_folder, tmp_path / "images"))


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with timm's index in it, which takes seconds to make."""
    folder = tmp_path_factory.mktemp("indexed")
    TimmIndex(folder).architectures()
    return folder


@pytest.fixture
def cache_dir(indexed: Path, tmp_path: Path) -> Path:
    """A cache that holds timm's index and nothing else."""
    return Path(shutil.copytree(indexed, tmp_path / "cache"))


@pytest.fixture
def point_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Point this process's hub client at an address, with an empty cache."""
    from huggingface_hub import constants

    def point(url: str) -> None:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setattr(constants, "ENDPOINT", url)
        template = "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

    HUB.reset()
    yield point
    HUB.reset()


@pytest.fixture
def featrank_process(cache_dir: Path, tmp_path: Path) -> Run:
    """Run the program in a process of its own."""

    def run(
        *arguments: object, timeout: float = 600, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "FEATRANK_"))}
        env = {
            **inherited,
            "FEATRANK_CACHE": str(cache_dir),
            "HF_HOME": str(tmp_path / "hf"),
            "NO_PROXY": "127.0.0.1",
            **environment,
        }
        return subprocess.run(
            [sys.executable, "-m", "featrank", *map(str, arguments)],
            capture_output=True, text=True, timeout=timeout, env=env, check=False,
        )  # fmt: skip

    return run


@dataclass(frozen=True)
class Ending:
    """How a run of the program ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def featrank_main(
    cache_dir: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Ending]:
    """Run the program in this process: quick, where torch is here already."""
    from featrank.cli import main
    from featrank.cli._termination import EXIT_CODES

    def run(*arguments: object) -> Ending:
        monkeypatch.setattr(sys, "argv", ["featrank", *map(str, arguments)])
        monkeypatch.setenv("FEATRANK_CACHE", str(cache_dir))
        capfd.readouterr()
        # The program leaves signals ignored at its end, which this process has not reached.
        before = {number: signal.getsignal(number) for number in EXIT_CODES}
        try:
            with pytest.raises(SystemExit) as ended:
                main()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            logging.getLogger("featrank").setLevel(logging.NOTSET)  # --debug is for one run
        out, err = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Ending(ended.value.code, out, err)

    return run


# A job in a shell's background starts with Ctrl-C ignored, and the programs that the tests
# interrupt would start so too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SMALL = "test_resnet.r160_in1k"


@pytest.fixture(scope="session")
def index(indexed: Path) -> TimmIndex:
    return TimmIndex(indexed)


@pytest.fixture(scope="session")
def shelf(indexed: Path) -> Shelf:
    return Shelf(indexed)


@pytest.fixture(scope="session")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """test_resnet with seeded weights."""
    import timm
    import torch
    from safetensors.torch import save_file

    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        save_file(timm.create_model(SMALL, pretrained=False).state_dict(), path)
    return path


@pytest.fixture(scope="session")
def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def hub(point_hub: Callable[[str], None], small_file: Path) -> Iterator[LoopbackHub]:
    files = {f"timm/{SMALL}/model.safetensors": small_file.read_bytes()}
    with LoopbackHub(files) as server:
        point_hub(server.url)
        yield server
