import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from featrank.storage.atomic import atomic_path, write_text


def test_file_is_whole_and_alone(tmp_path: Path) -> None:
    write_text(tmp_path / "deep" / "a.json", "{}")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.json"]
    assert (tmp_path / "deep" / "a.json").read_text() == "{}"


def test_failure_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def write_and_fail() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("new")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        write_and_fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_visible_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


def refuse(number: int) -> Callable[..., None]:
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refused


@pytest.mark.parametrize(
    ("place", "name", "number"),
    [
        (Path, "chmod", errno.EPERM),
        (Path, "replace", errno.EPERM),
        (Path, "replace", errno.ENOSYS),
        (os, "fsync", errno.EINVAL),
        (os, "fsync", errno.ENOSYS),
    ],
)
def test_what_a_file_system_lacks_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: object, name: str, number: int
) -> None:
    monkeypatch.setattr(place, name, refuse(number))
    for text in ("one", "two"):
        write_text(tmp_path / "a.json", text)
        assert (tmp_path / "a.json").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    ("place", "name", "number"), [(os, "fsync", errno.EIO), (Path, "replace", errno.EISDIR)]
)
def test_what_failed_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: object, name: str, number: int
) -> None:
    monkeypatch.setattr(place, name, refuse(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        write_text(tmp_path / "a.json", "one")
    assert list(tmp_path.iterdir()) == []
