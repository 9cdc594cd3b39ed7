"""Folders as people have them: splits, nesting, links, odd names, bad files."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from featrank.config import Selection
from featrank.errors import IncompleteError, InputError
from featrank.records import Skipped
from featrank.storage import file_hashes
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Access, Sample, Target, UnreadableImage, _plugin_formats, open_target
from featrank.targets.image_folder import TARGET


def draw(path: Path, seed: int = 0) -> Path:
    """Write a small image that differs from seed to seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(values).save(path, "PNG")
    return path


def fill(folder: Path, per_class: int = 3, seed: int = 0) -> Path:
    for number, name in enumerate(("cat", "dog")):
        for index in range(per_class):
            draw(folder / name / f"{index}.png", seed + number * 100 + index)
    return folder


def opened(folder: Path | str, hashes: FileHashes | None = None, **selection: object) -> Target:
    return TARGET.open(str(folder), Access(hashes or FileHashes(), **selection))


def paths(target: Target) -> list[str]:
    return sorted(sample.path for sample in target.samples)


def skipped(target: Target) -> dict[str, str]:
    return {item.path: item.reason for item in target.skipped}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "data")


class TestClasses:
    def test_one_folder_a_class(self, folder: Path) -> None:
        target = opened(folder)
        assert target.name == str(folder)
        assert (target.split, target.splits, target.skipped) == (None, (), ())
        assert dict(target.class_counts) == {"cat": 3, "dog": 3}
        assert paths(target) == [f"{name}/{i}.png" for name in ("cat", "dog") for i in range(3)]

    def test_any_depth(self, folder: Path) -> None:
        draw(folder / "cat" / "big" / "lion" / "1.png", 50)
        target = opened(folder)
        assert "cat/big/lion/1.png" in paths(target)
        assert target.class_counts["cat"] == 4

    def test_canonical_order(self, folder: Path) -> None:
        keys = [(s.class_name, s.digest, s.path) for s in opened(folder).samples]
        assert keys == sorted(keys)

    def test_hidden_and_other_files_are_no_part(self, folder: Path) -> None:
        draw(folder / "cat" / ".hidden.png", 50)
        draw(folder / ".cache" / "1.png", 51)
        draw(folder / "cat" / ".thumbnails" / "1.png", 52)
        (folder / "cat" / "Thumbs.db").write_bytes(b"x")
        (folder / "cat" / "no suffix").write_bytes(b"x")
        (folder / "README.txt").write_text("x")
        target = opened(folder)
        assert len(target.samples) == 6
        assert target.skipped == ()

    def test_thumbnails_of_a_disk_station_are_no_part(self, folder: Path) -> None:
        before = opened(folder)
        draw(folder / "cat" / "@eaDir" / "0.png" / "thumb.jpg", 77)
        draw(folder / "__MACOSX" / "dog" / "1.png", 78)
        after = opened(folder)
        assert after.fingerprint == before.fingerprint
        assert after.all_warnings == ("2 folders of the system left out, first '__MACOSX'",)

    @pytest.mark.parametrize("name", ["_unlabeled", "no_label"])
    def test_images_without_a_class_are_no_class(self, folder: Path, name: str) -> None:
        before = opened(folder)
        for number in range(3):
            draw(folder / name / f"{number}.png", 90 + number)
        after = opened(folder)
        assert after.fingerprint == before.fingerprint
        assert skipped(after) == {f"{name}/{number}.png": "no label" for number in range(3)}
        assert after.all_warnings == (f"3 images left out (no label), first '{name}/0.png'",)

    def test_images_of_other_kinds_are_counted_with_the_reason(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_plugin_formats, "_is_there", lambda plugin: False)
        before = opened(folder).fingerprint
        for name in ("cat/1.HEIC", "dog/2.dcm", "cow/3.jxl"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"x")
        target = opened(folder)
        assert target.fingerprint == before
        assert "pip install 'featrank[heif]'" in skipped(target)["cat/1.HEIC"]
        assert len(target.skipped) == 3
        assert target.all_warnings == ("no usable image in the class folder 'cow'",)

    def test_images_by_their_content(self, folder: Path) -> None:
        reference = opened(folder).fingerprint
        names = ("0", "1.png?w=640", "2.jpg_large")
        for number, name in enumerate(names):
            (folder / "dog" / f"{number}.png").rename(folder / "dog" / name)
        (folder / "dog" / "notes").write_text("no image")
        shutil.copy(folder / "cat" / "0.png", folder / "cat" / "0.png~")
        assert opened(folder).fingerprint == reference

    def test_masks_beside_their_images_are_no_images(self, folder: Path) -> None:
        before = opened(folder).fingerprint
        draw(folder / "cat" / "0_mask.png", 60)
        draw(folder / "cat" / "1_segmentation.png", 61)
        target = opened(folder)
        assert target.fingerprint == before
        assert set(skipped(target)) == {"cat/0_mask.png", "cat/1_segmentation.png"}
        draw(folder / "dog" / "death_mask.png", 62)
        assert "dog/death_mask.png" in paths(opened(folder))

    def test_classes_below_domains(self, folder: Path) -> None:
        domains = folder.parent / "domains"
        for number, domain in enumerate(("art", "photo")):
            fill(domains / domain, seed=1000 * number)
        draw(domains / "art" / "loose.png", 7)
        plain = opened(domains)
        assert plain.class_names == ("art", "photo")
        assert "--class-depth 2" in plain.all_warnings[0]
        target = opened(domains, class_depth=2)
        assert target.class_counts == {"cat": 6, "dog": 6}
        assert target.all_warnings == ()
        assert skipped(target) == {"art/loose.png": "not inside a class folder"}
        assert opened(domains, class_depth=1).all_warnings == ()
        with pytest.raises(InputError, match="no class folders with images") as caught:
            opened(domains, class_depth=3)
        assert caught.value.hint == "say where the class folders lie: --class-depth 2"

    def test_capital_suffix(self, folder: Path) -> None:
        draw(folder / "cat" / "1.PNG", 50)
        assert "cat/1.PNG" in paths(opened(folder))

    def test_loose_images_are_skipped(self, folder: Path) -> None:
        draw(folder / "loose.png")
        target = opened(folder)
        assert target.skipped == (Skipped("loose.png", "not inside a class folder"),)

    @pytest.mark.parametrize("name", ["new\nline", 'quo"te', "it's", "a b", "ñandú", "日本", "-x"])
    def test_odd_class_names(self, folder: Path, name: str) -> None:
        draw(folder / name / "1.png", 50)
        assert name in opened(folder).class_names

    def test_names_that_are_not_utf8(self, folder: Path) -> None:
        odd = os.fsdecode(b"caf\xe9")
        try:
            draw(folder / odd / f"{odd}.png", 50)
        except OSError:
            pytest.skip("this file system wants UTF-8 names")
        draw(folder / "caf\\xe9" / "caf\\xe9.png", 51)
        target = opened(folder)
        name = "caf\\xe9"
        sample = next(sample for sample in target.samples if sample.class_name == name)
        assert sample.path == f"{name}/{name}.png"
        assert pickle.loads(pickle.dumps(target.read))(sample).size == (4, 4)
        assert list(skipped(target)) == [sample.path]


class TestSplits:
    @pytest.fixture
    def split_folder(self, tmp_path: Path) -> Path:
        for number, name in enumerate(("train", "validation", "test")):
            fill(tmp_path / name, per_class=3 - number, seed=1000 * number)
        return tmp_path

    def test_train_by_default(self, split_folder: Path) -> None:
        target = opened(split_folder)
        assert target.split == "train"
        assert target.splits == ("test", "train", "validation")
        assert len(target.samples) == 6
        assert paths(target)[0] == "train/cat/0.png"

    @pytest.mark.parametrize("asked", ["val", "valid", "validation", "VAL"])
    def test_aliases(self, split_folder: Path, asked: str) -> None:
        target = opened(split_folder, split=asked)
        assert target.split == "validation"
        assert len(target.samples) == 4

    def test_splits_differ(self, split_folder: Path) -> None:
        prints = {opened(split_folder, split=name).fingerprint for name in ("train", "test")}
        assert len(prints) == 2

    @pytest.mark.parametrize("asked", ["dev", ""])
    def test_absent_split(self, split_folder: Path, asked: str) -> None:
        with pytest.raises(InputError, match="there is test, train, validation"):
            opened(split_folder, split=asked)

    def test_no_train(self, split_folder: Path) -> None:
        shutil.rmtree(split_folder / "train")
        with pytest.raises(InputError, match="no split 'train'") as caught:
            opened(split_folder)
        assert caught.value.hint == "choose one: --split test"

    def test_two_folders_of_one_meaning(self, split_folder: Path) -> None:
        fill(split_folder / "valid")
        assert opened(split_folder, split="valid").split == "valid"
        with pytest.raises(InputError, match="may mean valid, validation"):
            opened(split_folder, split="val")

    def test_no_split_folders(self, folder: Path) -> None:
        with pytest.raises(InputError, match="has no splits"):
            opened(folder, split="train")

    def test_other_folders_beside_splits(self, split_folder: Path) -> None:
        (split_folder / "annotations").mkdir()
        assert opened(split_folder).splits == ("test", "train", "validation")

    def test_train_may_be_a_class(self, folder: Path) -> None:
        draw(folder / "train" / "steam" / "1.png", 50)
        with pytest.raises(InputError, match="two ways"):
            opened(folder)
        target = opened(folder, layout="classes")
        assert target.split is None
        assert target.class_names == ("cat", "dog", "train")

    def test_a_folder_too_many_above_and_below(self, split_folder: Path, tmp_path: Path) -> None:
        plain = opened(split_folder)
        outer = tmp_path / "outer"
        for split in ("train", "test"):
            shutil.copytree(split_folder / split, outer / "archive" / f"seg_{split}" / split)
        target = opened(outer)
        assert target.fingerprint == plain.fingerprint
        assert (target.split, target.class_names) == ("seg_train", ("cat", "dog"))
        assert "'archive/seg_train/train'" in target.all_warnings[0]
        assert opened(outer, split="test").split == "seg_test"

    def test_split_that_leads_away(self, split_folder: Path, tmp_path_factory) -> None:
        away = tmp_path_factory.mktemp("away")
        shutil.move(split_folder / "train", away / "train")
        (split_folder / "train").symlink_to(away / "train")
        with pytest.raises(InputError, match="link out of the folder") as caught:
            opened(split_folder)
        assert str(away / "train") in caught.value.hint


class TestErrors:
    @pytest.mark.parametrize("spec", ["./nowhere", "no/where", "a\0/b", "x" * 300 + "/y"])
    def test_no_folder(self, spec: str) -> None:
        assert TARGET.accepts(spec)
        with pytest.raises(InputError, match="no such folder") as caught:
            opened(spec)
        assert caught.value.hint

    def test_file(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="is a file, not a folder"):
            opened(draw(tmp_path / "a.png"))

    def test_empty(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="is empty"):
            opened(tmp_path)

    def test_no_class_folders(self, tmp_path: Path) -> None:
        draw(tmp_path / "a.png")
        with pytest.raises(InputError, match="1 images but no class folders"):
            opened(tmp_path)

    def test_no_images(self, tmp_path: Path) -> None:
        (tmp_path / "cat").mkdir()
        (tmp_path / "cat" / "notes.txt").touch()
        with pytest.raises(InputError, match="none of its 1 files is an image"):
            opened(tmp_path)

    def test_one_class(self, tmp_path: Path) -> None:
        draw(tmp_path / "cat" / "1.png")
        with pytest.raises(InputError, match=r"only one class in .*: 'cat'"):
            opened(tmp_path)

    def test_everything_is_skipped(self, tmp_path: Path) -> None:
        (tmp_path / "cat").mkdir()
        (tmp_path / "cat" / "1.png").symlink_to("/nowhere")
        with pytest.raises(InputError, match=r"the first 'cat/1\.png' \(broken link\)"):
            opened(tmp_path)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_permissions(self, folder: Path) -> None:
        (folder / "cat" / "0.png").chmod(0)
        (folder / "dog").chmod(0)
        try:
            with pytest.raises(InputError, match="only one class"):
                opened(folder)
            folder.chmod(0)
            with pytest.raises(InputError, match="Permission denied"):
                opened(folder)
        finally:
            folder.chmod(0o755)
            (folder / "dog").chmod(0o755)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_folder_that_may_be_listed_but_not_entered(self, folder: Path) -> None:
        draw(folder / "cat" / "big" / "1.png", 50)
        (folder / "cat").chmod(0o444)
        try:
            with pytest.raises(InputError, match="only one class"):
                opened(folder)
        finally:
            (folder / "cat").chmod(0o755)

    def test_file_that_cannot_be_read(self, folder: Path, monkeypatch) -> None:
        bad = folder / "cat" / "0.png"

        def refuse(path: Path) -> str:
            if path == bad:
                raise PermissionError(13, "Permission denied")
            return "0"

        monkeypatch.setattr(file_hashes, "hash_file", refuse)
        assert skipped(opened(folder)) == {"cat/0.png": "cannot be read: Permission denied"}

    def test_folder_that_cannot_be_listed(self, folder: Path, monkeypatch) -> None:
        scandir = os.scandir

        def refuse(path: Path):
            if Path(path).name == "bad":
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        (folder / "cat" / "bad").mkdir()
        monkeypatch.setattr(os, "scandir", refuse)
        assert skipped(opened(folder)) == {"cat/bad": "cannot be listed: Permission denied"}


class TestLinks:
    def test_loops_end(self, folder: Path) -> None:
        (folder / "cat" / "self").symlink_to(".")
        (folder / "cat" / "up").symlink_to("..")
        (folder / "dog" / "a").symlink_to("b")
        (folder / "dog" / "b").symlink_to("a")
        (folder / "dog" / "deep").mkdir()
        (folder / "dog" / "deep" / "back").symlink_to("../")
        target = opened(folder)
        assert len(target.samples) == 6
        assert set(skipped(target)) == {
            "cat/self", "cat/up", "dog/a", "dog/b", "dog/deep/back",
        }  # fmt: skip

    def test_inside_the_folder_is_followed(self, folder: Path) -> None:
        stored = draw(folder / ".store" / "object", 50)
        (folder / "cat" / "9.png").symlink_to(stored)
        (folder / "cow").symlink_to(draw(folder / ".pool" / "cow" / "1.png", 51).parent)
        target = opened(folder)
        assert {"cat/9.png", "cow/1.png"} < set(paths(target))
        assert target.skipped == ()

    def test_out_of_the_folder_is_not(self, folder: Path) -> None:
        outside = fill(folder.parent / "outside")
        (folder / "cat" / "9.png").symlink_to(outside / "cat" / "0.png")
        (folder / "cat" / "more").symlink_to(outside / "cat")
        target = opened(folder)
        assert len(target.samples) == 6
        reason = "link out of the folder"
        assert skipped(target) == dict.fromkeys(["cat/9.png", "cat/more"], reason)
        assert target.all_warnings == (
            "2 links out of the folder not followed, first 'cat/9.png': see --follow-links",
        )

    def test_out_of_the_folder_is_followed_where_that_is_said(self, folder: Path) -> None:
        outside = fill(folder.parent / "outside", seed=500)
        (folder / "cat" / "9.png").symlink_to(outside / "cat" / "0.png")
        (folder / "cow").symlink_to(outside / "dog")
        (outside / "dog" / "back").symlink_to(folder)
        (outside / "dog" / "round").symlink_to(outside / "dog")
        with pytest.raises(InputError, match="the class folder 'cow' is a link out") as caught:
            opened(folder)
        assert "--follow-links" in str(caught.value.hint)
        target = opened(folder, follow_links=True)
        assert target.class_counts == {"cat": 4, "cow": 3, "dog": 3}
        assert set(skipped(target)) == {"cow/back", "cow/round"}
        assert target.read(target.samples[0]).size == (4, 4)

    def test_a_farm_of_links_names_the_way(self, folder: Path) -> None:
        farm = folder.parent / "farm"
        for file in sorted(folder.rglob("*.png")):
            link = farm / file.relative_to(folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)
        with pytest.raises(InputError, match="6 skipped") as caught:
            opened(farm)
        assert "--follow-links" in str(caught.value.hint)
        assert opened(farm, follow_links=True).fingerprint == opened(folder).fingerprint

    def test_the_folder_may_be_a_link(self, folder: Path) -> None:
        link = folder.parent / "link"
        link.symlink_to(folder)
        assert opened(link).fingerprint == opened(folder).fingerprint

    def test_pipes_do_not_block(self, folder: Path) -> None:
        os.mkfifo(folder / "cat" / "pipe.png")
        assert skipped(opened(folder)) == {"cat/pipe.png": "not a regular file"}


class TestFingerprint:
    def test_survives_moving_copying_and_touching(self, folder: Path) -> None:
        reference = opened(folder).fingerprint
        copy = shutil.copytree(folder, folder.parent / "elsewhere" / "copy")
        assert opened(copy).fingerprint == reference
        for path in folder.rglob("*.png"):
            os.utime(path, (1, 1))
        (folder / "cat" / "0.png").rename(folder / "cat" / "renamed.png")
        moved = folder.rename(folder.parent / "moved")
        assert opened(moved).fingerprint == reference

    def test_one_pixel(self, folder: Path) -> None:
        reference = opened(folder).fingerprint
        path = folder / "cat" / "0.png"
        with Image.open(path) as image:
            image.putpixel((0, 0), tuple(255 - v for v in image.getpixel((0, 0))))
            image.save(path)
        assert opened(folder).fingerprint != reference

    def test_one_label(self, folder: Path) -> None:
        reference = opened(folder).fingerprint
        (folder / "cat" / "0.png").rename(folder / "dog" / "other.png")
        assert opened(folder).fingerprint != reference

    def test_class_name(self, folder: Path) -> None:
        reference = opened(folder).fingerprint
        (folder / "cat").rename(folder / "cow")
        assert opened(folder).fingerprint != reference

    def test_subset(self, folder: Path) -> None:
        fill(folder, per_class=10)

        def subset(seed: int) -> Target:
            selection = Selection(limit_per_class=4, seed=seed)
            return open_target(str(folder), selection, FileHashes())

        prints = {subset(seed).fingerprint for seed in range(4)}
        assert len(prints | {opened(folder).fingerprint}) == 5
        again = subset(2)
        assert again.fingerprint in prints
        assert dict(again.class_counts) == {"cat": 4, "dog": 4}

    def test_second_listing_reads_no_file(self, folder: Path, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setattr(file_hashes, "_RACY_NS", -(10**12))
        hashes = FileHashes(tmp_path / "hashes.sqlite")
        first = opened(folder, hashes)
        monkeypatch.setattr(file_hashes, "hash_file", lambda _: pytest.fail("a file was read"))
        assert opened(folder, hashes).fingerprint == first.fingerprint


class TestReading:
    def test_pixels(self, folder: Path) -> None:
        target = opened(folder)
        read = pickle.loads(pickle.dumps(target.read))
        for sample in target.samples:
            with Image.open(folder / sample.path) as image:
                assert np.array_equal(read(sample), image)

    def test_works_from_another_directory(self, folder: Path, monkeypatch) -> None:
        monkeypatch.chdir(folder.parent)
        target = opened("./data")
        assert target.name == "./data"
        monkeypatch.chdir("/")
        assert target.read(target.samples[0]).size == (4, 4)

    def read_error(self, target: Target, path: str) -> str:
        sample = next(sample for sample in target.samples if sample.path == path)
        with pytest.raises(UnreadableImage) as caught:
            target.read(sample)
        return str(caught.value)

    def test_bad_files(self, folder: Path) -> None:
        (folder / "cat" / "empty.png").touch()
        (folder / "cat" / "text.jpg").write_text("hello")
        target = opened(folder)
        assert self.read_error(target, "cat/empty.png") == "empty file"
        assert self.read_error(target, "cat/text.jpg").startswith("not an image")

    def test_files_that_change_or_go(self, folder: Path) -> None:
        target = opened(folder)
        draw(folder / "cat" / "0.png", 99)
        (folder / "cat" / "1.png").unlink()
        samples = {sample.path: sample for sample in target.samples}
        with pytest.raises(IncompleteError, match=r"'cat/0\.png' changed since it was listed"):
            target.read(samples["cat/0.png"])
        with pytest.raises(IncompleteError, match=r"cannot read 'cat/1\.png': No such file"):
            target.read(samples["cat/1.png"])

    def test_unknown_sample(self, folder: Path) -> None:
        with pytest.raises(IncompleteError, match="cannot read"):
            opened(folder).read(Sample("../x.png", "cat", "0"))
