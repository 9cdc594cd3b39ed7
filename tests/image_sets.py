"""One set of real images, offered in every way that a target may be given."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
import struct
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Picture:
    """An encoded image and its class."""

    name: str
    label: str
    data: bytes


def digit_pictures(n: int) -> list[Picture]:
    """The first of scikit-learn's handwritten digits, as PNG files."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    pictures = []
    for i in range(n):
        stream = io.BytesIO()
        grey = np.rint(digits.images[i] * 255 / 16).astype(np.uint8)
        Image.fromarray(grey).save(stream, "PNG")
        pictures.append(Picture(f"{i:04}.png", str(digits.target[i]), stream.getvalue()))
    return pictures


def write_folder(root: Path, pictures: list[Picture]) -> Path:
    for picture in pictures:
        (root / picture.label).mkdir(parents=True, exist_ok=True)
        (root / picture.label / picture.name).write_bytes(picture.data)
    return root


def write_csv(root: Path, pictures: list[Picture]) -> Path:
    write_folder(root / "files", pictures)
    with (root / "list.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label"])
        writer.writerows([f"files/{p.label}/{p.name}", p.label] for p in pictures)
    return root / "list.csv"


def write_parquet_of_paths(root: Path, pictures: list[Picture]) -> Path:
    write_folder(root / "files", pictures)
    columns = {
        "path": [f"files/{p.label}/{p.name}" for p in pictures],
        "label": [p.label for p in pictures],
    }
    pq.write_table(pa.table(columns), root / "list.parquet")
    return root / "list.parquet"


def write_parquet_of_bytes(root: Path, pictures: list[Picture], n_files: int = 2) -> Path:
    """As the datasets library writes it: structs, numbers, and the names in the metadata."""
    root.mkdir(parents=True, exist_ok=True)
    names = sorted({p.label for p in pictures}, reverse=True)
    info = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    schema = pa.schema(
        [
            ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            ("label", pa.int64()),
        ],
        metadata={"huggingface": json.dumps(info)},
    )
    for number in range(n_files):
        rows = [
            {"image": {"bytes": p.data, "path": p.name}, "label": names.index(p.label)}
            for p in pictures[number::n_files]
        ]
        file = root / f"train-{number:05}-of-{n_files:05}.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema), file, row_group_size=50)
    return root / "train-*.parquet"


def write_saved_dataset(root: Path, pictures: list[Picture], n_files: int = 2) -> Path:
    """As the datasets library's save_to_disk writes it."""
    root.mkdir(parents=True, exist_ok=True)
    parquet = write_parquet_of_bytes(root / "parquet", pictures, n_files).parent
    names = []
    for number, file in enumerate(sorted(parquet.glob("*.parquet"))):
        table = pq.read_table(file)
        names.append(f"data-{number:05}-of-{n_files:05}.arrow")
        with pa.ipc.new_stream(root / names[-1], table.schema) as writer:
            writer.write_table(table)
    state = {"_data_files": [{"filename": name} for name in names], "_split": "train"}
    (root / "state.json").write_text(json.dumps(state))
    (root / "dataset_info.json").write_text("{}")
    shutil.rmtree(parquet)
    return root


def write_roboflow(root: Path, pictures: list[Picture]) -> Path:
    """As Roboflow exports it, one folder a split: blanks after the commas."""
    (root / "train").mkdir(parents=True)
    names = sorted({p.label for p in pictures})
    lines = [", ".join(["filename", *names])]
    for p in pictures:
        (root / "train" / p.name).write_bytes(p.data)
        lines.append(", ".join([p.name, *(str(int(p.label == name)) for name in names)]))
    (root / "train" / "_classes.csv").write_text("\n".join(lines))
    return root


def write_fiftyone(root: Path, pictures: list[Picture]) -> Path:
    (root / "data").mkdir(parents=True)
    names = sorted({p.label for p in pictures}, reverse=True)
    for p in pictures:
        (root / "data" / p.name).write_bytes(p.data)
    labels = {p.name.partition(".")[0]: names.index(p.label) for p in pictures}
    (root / "labels.json").write_text(json.dumps({"classes": names, "labels": labels}))
    return root


def coco_document(pictures: list[Picture]) -> dict[str, list[dict[str, object]]]:
    """Two boxes an image, of one category."""
    names = sorted({p.label for p in pictures})
    return {
        "images": [{"id": i, "file_name": p.name} for i, p in enumerate(pictures)],
        "annotations": [
            {"id": 2 * i + k, "image_id": i, "category_id": 7 + names.index(p.label)}
            for i, p in enumerate(pictures)
            for k in range(2)
        ],
        "categories": [{"id": 7 + i, "name": name} for i, name in enumerate(names)],
    }


def write_coco(root: Path, pictures: list[Picture]) -> Path:
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    for p in pictures:
        (root / "images" / p.name).write_bytes(p.data)
    (root / "annotations" / "all.json").write_text(json.dumps(coco_document(pictures)))
    return root / "annotations" / "all.json"


def add_member(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def write_tar(root: Path, pictures: list[Picture], n_shards: int = 3) -> Path:
    """Labels by .cls and .json in turn, with captions."""
    root.mkdir(parents=True, exist_ok=True)
    for shard in range(n_shards):
        with tarfile.open(root / f"{shard:03}.tar", "w") as archive:
            for i, picture in enumerate(pictures[shard::n_shards]):
                key = picture.name.partition(".")[0]
                kind = ("cls", "json")[i % 2]
                label = json.dumps({"label": picture.label}) if kind == "json" else picture.label
                add_member(archive, f"{key}.png", picture.data)
                add_member(archive, f"{key}.{kind}", label.encode())
                add_member(archive, f"{key}.txt", f"image {key}".encode())
    return root / f"{{000..{n_shards - 1:03}}}.tar"


def write_tar_of_folders(root: Path, pictures: list[Picture], kind: str = "gz") -> Path:
    write_folder(root / "files", pictures)
    with tarfile.open(root / "set.tar", f"w:{kind}") as archive:
        archive.add(root / "files", ".")
    return root / "set.tar"


def write_zip_of_folders(root: Path, pictures: list[Picture]) -> Path:
    write_folder(root / "files", pictures)
    return Path(shutil.make_archive(str(root / "set"), "zip", root / "files"))


def write_npz(root: Path, pictures: list[Picture]) -> Path:
    """As MedMNIST publishes sets: labels are a column."""
    import numpy as np
    from PIL import Image

    root.mkdir(parents=True, exist_ok=True)
    images = np.stack([np.asarray(Image.open(io.BytesIO(p.data))) for p in pictures])
    labels = np.array([[int(p.label)] for p in pictures], np.uint8)
    np.savez_compressed(root / "set.npz", train_images=images, train_labels=labels)
    return root / "set.npz"


def idx_bytes(shape: tuple[int, ...], data: bytes) -> bytes:
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + data


def write_idx(root: Path, pictures: list[Picture], prefix: str = "train", *, zipped: bool) -> Path:
    from PIL import Image

    root.mkdir(parents=True, exist_ok=True)
    images = [Image.open(io.BytesIO(p.data)) for p in pictures]
    width, height = images[0].size
    pixels = b"".join(image.tobytes() for image in images)
    labels = bytes(int(p.label) for p in pictures)
    for name, content in (
        (f"{prefix}-images-idx3-ubyte", idx_bytes((len(images), height, width), pixels)),
        (f"{prefix}-labels-idx1-ubyte", idx_bytes((len(images),), labels)),
    ):
        if zipped:
            (root / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (root / name).write_bytes(content)
    return root
