import json
import subprocess
from pathlib import Path

from featrank.stamp import git_state, make_stamp, package_versions


def test_stamp_is_json_with_versions() -> None:
    stamp = json.loads(json.dumps(make_stamp()))
    assert {"featrank", "torch", "timm", "numpy"} <= set(stamp["versions"])
    assert {"created", "python", "platform", "command"} <= set(stamp)


def test_versions_are_the_imported_ones() -> None:
    import numpy as np

    assert package_versions()["numpy"] == np.__version__


def test_git_state_knows_a_local_edit(tmp_path: Path) -> None:
    source = tmp_path / "featrank"
    source.mkdir()
    assert git_state(source) is None

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
        subprocess.run(["git", *identity, "-C", str(tmp_path), *arguments], check=True)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "first")
    state = git_state(source)
    assert state is not None
    assert not state["dirty"]
    assert len(state["sha"]) == 40
    (source / "new.py").touch()
    edited = git_state(source)
    assert edited is not None
    assert edited["dirty"]
