"""Members of tar shards in WebDataset's naming: ``cat001.jpg`` with ``cat001.cls`` or ``.json``.

A sample's key is its folder and its name up to the first dot; members of one key belong together,
each in the role that the rest of its name gives it. A text (``.txt``) is a caption, unless
``--label-column txt`` says that it tells the class.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from featrank.records import Skipped
from featrank.targets._file_names import printable
from featrank.targets._folder_layout import is_system_folder
from featrank.targets._members import Member
from featrank.targets._recognise import by_name
from featrank.targets._several_labels import SeveralLabels
from featrank.targets._spans import Content
from featrank.targets._target import MASK, NO_LABEL, Sample

_JSON_FIELDS = ("label", "class", "class_name", "cls", "category", "target")
# Members that show where something is in the image of the same key: KEY.seg.png, KEY.mask.png.
_MASK = re.compile(r"(seg|segmentation|mask|masks|panoptic|annotation)\d*\.")


@dataclass
class _Group:
    """The members of one key.

    Attributes:
        images: By path, without masks.
        labels: By the kind of member that tells them; the sign of the lack of one is empty.
        folder: Where it lies in the archive.
    """

    folder: str
    images: dict[str, Member] = field(default_factory=dict)
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    disagreeing: str = ""


@dataclass
class WebDataset:
    """Collects samples from members.

    Attributes:
        label_column: The kind of member, or the field of the JSON, that tells the class; None for
            ``cls`` and the usual fields.
        several: Decides where a document has a list of labels.
        kinds: How many members of each kind lie beside images.
        fields: How many JSON members have each field.
        skipped: Members that cannot be used.
    """

    label_column: str | None = None
    several: SeveralLabels = field(default_factory=lambda: SeveralLabels("", None))
    kinds: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    contents: dict[str, Content] = field(default_factory=dict)
    _groups: dict[tuple[str, str], _Group] = field(default_factory=dict)
    n_system: int = 0

    def wants_text(self, name: str) -> bool:
        """Whether a member of this name may tell a label."""
        kind = _split(name)[2]
        return kind in ("cls", "json") or (bool(kind) and kind == self._asked)

    @property
    def _asked(self) -> str:
        return (self.label_column or "").lower().removeprefix(".")

    def add(self, shard: str, member: Member, text: bytes) -> None:
        """Take one member.

        Args:
            shard: The archive that it is in, as it begins the paths of samples.
            member: The member.
            text: Its content, where that was wanted.
        """
        folder, key, kind = _split(member.name)
        parts = member.name.split("/")
        if member.is_folder or not kind or any(part.startswith(".") for part in parts):
            return
        path = f"{shard}/{printable(member.name)}"
        said = by_name(f"x.{kind}")
        is_image = said == "image"
        is_label = self.wants_text(member.name)
        if any(map(is_system_folder, parts[:-1])):
            self.n_system += is_image
            return
        if not is_image and not is_label:
            if said in (None, "other"):
                self.kinds[kind] += 1
            else:
                self.skipped.append(Skipped(path, str(said)))
            return
        if member.problem or member.content is None:
            self.skipped.append(Skipped(path, member.problem or "not a regular file"))
            return
        group = self._groups.setdefault((shard, f"{folder}/{key}"), _Group(folder))
        if is_label:
            self.kinds[kind] += 1
            self._add_label(group, kind, text)
        elif _MASK.match(kind):
            self.skipped.append(Skipped(path, MASK))
        else:
            if path in group.images:
                self.skipped.append(Skipped(path, "another member of this name comes after it"))
            group.images[path] = member

    def _add_label(self, group: _Group, kind: str, text: bytes) -> None:
        labels = self._labels(kind, text)
        if not labels:
            return
        if (first := group.labels.setdefault(kind, labels)) != labels:
            told = "' and '".join(map(", ".join, (first, labels)))
            group.disagreeing = f"its .{kind} members tell '{told}'"

    def _labels(self, kind: str, data: bytes) -> tuple[str, ...]:
        """The classes that a member tells."""
        text = data.decode("utf-8", "backslashreplace").strip()
        if kind != "json":
            return (text,) if text else ()
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            return ()
        if isinstance(document, dict):
            self.fields.update(printable(str(name)) for name in document)
            names = _JSON_FIELDS if self.label_column is None else (self.label_column,)
            document = next((document[name] for name in names if name in document), None)
        elif self.label_column is not None and self._asked != "json":
            return ()
        values = document if isinstance(document, list) else [document]
        return tuple(label for value in values if (label := _class_of(value)))

    @property
    def is_labelled(self) -> bool:
        """Whether any image has a label."""
        return any(group.images and self._labels_of(group) for group in self._groups.values())

    @property
    def n_images(self) -> int:
        """How many images there are, masks aside."""
        return sum(len(group.images) for group in self._groups.values())

    @property
    def has_folders(self) -> bool:
        """Whether images lie in folders."""
        return any(group.images and group.folder for group in self._groups.values())

    def samples(self) -> list[Sample]:
        """The labelled images; the others join the skipped.

        Raises:
            InputError: One has several labels, and nothing is said of such.
        """
        samples = []
        for group in self._groups.values():
            for path, member in group.images.items():
                if group.disagreeing:
                    self.skipped.append(Skipped(path, printable(group.disagreeing)))
                    continue
                label = self.several.choose(path, self._labels_of(group))
                if label == "":
                    self.skipped.append(Skipped(path, NO_LABEL))
                elif label is not None and member.content is not None:
                    digest = member.hash()
                    self.contents.setdefault(digest, member.content)
                    samples.append(Sample(path, label, digest))
        self.several.refuse()
        self.skipped += self.several.skipped
        return samples

    def _labels_of(self, group: _Group) -> tuple[str, ...]:
        kinds = ("cls", "json") if self.label_column is None else (self._asked, "json")
        return next((group.labels[kind] for kind in kinds if kind in group.labels), ())

    def warnings(self) -> Iterator[str]:
        """What may surprise about the reading."""
        yield from self.several.warnings()
        several = [group for group in self._groups.values() if len(group.images) > 1]
        if several:
            named = ", ".join(f"'{path}'" for path in list(several[0].images)[:3])
            yield (
                f"{len(several)} {'keys hold' if len(several) > 1 else 'key holds'} several images,"
                f" each of which counts: {named}"
            )
        if dots := self.cut_by_a_dot():
            yield dots
        if self.n_system:
            yield f"{self.n_system} image{'s' * (self.n_system > 1)} of system folders left out"
        yield from self._warn_of_folders()

    def cut_by_a_dot(self) -> str:
        """What to say where names with dots keep images and labels apart; empty where none do."""
        for group in self._groups.values():
            if group.images and not self._labels_of(group):
                for path in group.images:
                    _, key, kind = _split(path)
                    if "." in kind:
                        return (
                            f"a key ends at the first dot of a name, which makes that of '{path}'"
                            f" '{key}': write names without dots in them"
                        )
        return ""

    def _warn_of_folders(self) -> Iterator[str]:
        """Where the folders of the archive would make other classes, or splits."""
        pairs = {
            (group.folder, told)
            for group in self._groups.values()
            if group.images and (told := self._labels_of(group))
        }
        folders, labels = {folder for folder, _ in pairs}, {told for _, told in pairs}
        if len(folders) > 1 and not len(folders) == len(labels) == len(pairs):
            named = ", ".join(f"'{printable(name)}'" for name in sorted(folders)[:4])
            yield (
                f"the labels are those of .cls and .json members; the {len(folders)} folders"
                f" ({named}{', …' if len(folders) > 4 else ''}) are neither classes nor splits:"
                " --layout classes and --layout splits read them so"
            )


def _split(name: str) -> tuple[str, str, str]:
    """The folder, the key and the kind of a member."""
    folder, _, base = name.rpartition("/")
    key, _, kind = base.partition(".")
    return folder, key, kind.lower()


def _class_of(value: object) -> str:
    """The class that a value of a document stands for; empty where it stands for none."""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        value = int(value) if value.is_integer() else value
    return printable(str(value).strip()) if isinstance(value, str | int | float) else ""
