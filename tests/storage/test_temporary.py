from __future__ import annotations

import os

from featrank.storage.temporary import TemporaryFolder, remove_temporaries


def test_it_is_gone_after_the_block_and_with_the_object() -> None:
    with TemporaryFolder() as path:
        (path / "file").touch()
    assert not path.exists()
    folder = TemporaryFolder()
    path = folder.path
    del folder
    assert not path.exists()


def test_all_are_removed_before_the_process_ends_at_once() -> None:
    folders = [TemporaryFolder(), TemporaryFolder()]
    remove_temporaries()
    assert not any(folder.path.exists() for folder in folders)


def test_a_forked_process_leaves_them_alone() -> None:
    with TemporaryFolder() as path:
        child = os.fork()
        if not child:
            remove_temporaries()
            os._exit(0)
        os.waitpid(child, 0)
        assert path.is_dir()
