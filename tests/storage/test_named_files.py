"""What a user names is read where it is a file, and never waited for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from featrank.storage.named_files import (
    append_named,
    held_descriptor,
    no_file,
    open_named,
    open_regular,
    read_named,
    refuse_special,
)


@pytest.fixture
def special(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """A pipe without a writer, a socket, a device that never ends, and a link to the pipe."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    listener = socket.socket(socket.AF_UNIX)
    before = Path.cwd()
    os.chdir(tmp_path)  # the path of a socket may not be long
    listener.bind("socket")
    os.chdir(before)
    yield {
        "a named pipe": tmp_path / "pipe",
        "a named pipe, not": tmp_path / "link",
        "a socket": tmp_path / "socket",
        "a device": Path("/dev/zero"),
    }
    listener.close()


def test_what_is_no_file_is_named_and_not_opened(special: dict[str, Path]) -> None:
    for kind, path in special.items():
        assert no_file(path).startswith(kind)
        for opens in (open_regular, open_named, append_named, refuse_special):
            with pytest.raises(OSError, match=kind):
                opens(path)


def test_a_file_a_folder_and_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert no_file(tmp_path / "file") == ""
    assert no_file(tmp_path) == "a folder, not a file"
    for path in (tmp_path / "none", tmp_path / "file" / "below", Path("a\0b")):
        assert no_file(path) == "no such file"
        refuse_special(path)
    refuse_special(tmp_path)
    refuse_special(tmp_path / "file")
    for opens in (open_regular, open_named):
        assert opens(tmp_path / "file").read() == b"content"
        with pytest.raises(IsADirectoryError):
            opens(tmp_path)
        with pytest.raises(FileNotFoundError):
            opens(tmp_path / "none")
    assert read_named(tmp_path / "file", 7) == b"content"
    with pytest.raises(OSError, match="longer than 6 bytes"):
        read_named(tmp_path / "file", 6)
    with append_named(tmp_path / "file") as stream:
        stream.write(b", and more")
    assert (tmp_path / "file").read_bytes() == b"content, and more"
    assert open_named(Path(os.devnull)).read() == b""


def test_what_stands_for_a_descriptor_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    (tmp_path / "alias").symlink_to(f"/dev/fd/{reading}")
    names = [f"/dev/fd/{reading}", f"/proc/self/fd/{reading}", str(tmp_path / "alias")]
    for name in names:
        assert held_descriptor(Path(name)) == reading
        os.write(writing, b"through")
        if name == names[-1]:
            os.close(writing)
            assert open_named(Path(name)).read() == b"through"
        else:
            assert os.read(open_named(Path(name)).fileno(), 99) == b"through"
    os.close(reading)
    for name in (f"/dev/fd/{reading}", "/dev/fd/x", "/dev", str(tmp_path)):
        with pytest.raises(OSError, match=r"descriptor|No such|directory"):
            open_named(Path(name))


@pytest.mark.skipif(not os.path.exists("/bin/bash"), reason="no bash")  # noqa: PTH110
def test_process_substitution_and_a_pipe_into_stdin(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in a file")
    program = (
        "import sys; from pathlib import Path; from featrank.storage.named_files import open_named;"
        "print(open_named(Path(sys.argv[1])).read().decode())"
    )
    for rest in ("<(echo -n said)", "/dev/stdin < <(echo -n said)", "/dev/stdin < file"):
        ended = subprocess.run(
            ["/bin/bash", "-c", f'"$@" {rest}', "bash", sys.executable, "-c", program],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert ended.stdout == ("in a file\n" if rest.endswith("file") else "said\n")


def test_a_circle_of_links_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert held_descriptor(tmp_path / "a") is None
    assert "cannot be looked at" in no_file(tmp_path / "a")
    with pytest.raises(OSError, match="link"):
        open_named(tmp_path / "a")
