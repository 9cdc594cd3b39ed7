import pickle
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from featrank.errors import InputError
from featrank.scoring.features_file import open_features_file

X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


@pytest.mark.parametrize("labels", [[0, 0, 5, 5, 2, 2], ["a", "a", "c", "c", "b", "b"]])
def test_npz(tmp_path: Path, labels: list[object]) -> None:
    np.savez(tmp_path / "f.npz", features=X, labels=labels)
    given = open_features_file(tmp_path / "f.npz").load()
    np.testing.assert_array_equal(given.features, X)
    assert given.labels.tolist() == [0, 0, 2, 2, 1, 1]
    assert given.class_names == tuple(sorted({str(label) for label in labels}))


@pytest.mark.parametrize("column", ["label", "labels", "class_name"])
@pytest.mark.parametrize("kind", ["list", "fixed"])
def test_parquet(tmp_path: Path, column: str, kind: str) -> None:
    rows = pa.array(X.tolist(), pa.list_(pa.float32(), 3 if kind == "fixed" else -1))
    table = pa.table({"features": rows, column: ["a", "a", "c", "c", "b", "b"]})
    pq.write_table(table, tmp_path / "f.parquet")
    given = open_features_file(tmp_path / "f.parquet").load()
    np.testing.assert_array_equal(given.features, X)
    assert given.labels.tolist() == [0, 0, 2, 2, 1, 1]


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.path,))


def test_nothing_in_a_file_is_executed(tmp_path: Path) -> None:
    labels = np.array([Bomb(tmp_path / "ran")] * 6, dtype=object)
    np.savez(tmp_path / "f.npz", features=X, labels=labels)
    with pytest.raises(InputError, match="cannot read"):
        open_features_file(tmp_path / "f.npz").load()
    (tmp_path / "g.npz").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    with pytest.raises(InputError, match="cannot read"):
        open_features_file(tmp_path / "g.npz").load()
    assert not (tmp_path / "ran").exists()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_features_file(tmp_path / "f.npz").load()
    np.savez(tmp_path / "f.npz", features=X)
    with pytest.raises(InputError, match="no array 'labels' among features"):
        open_features_file(tmp_path / "f.npz").load()
    np.savez(tmp_path / "f.npz", features=X, labels=[0, 1])
    with pytest.raises(InputError, match="do not belong together"):
        open_features_file(tmp_path / "f.npz").load()
    (tmp_path / "f.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(InputError, match="cannot read"):
        open_features_file(tmp_path / "f.parquet").load()
    pq.write_table(pa.table({"a": [1]}), tmp_path / "f.parquet")
    with pytest.raises(InputError, match="no column 'features'"):
        open_features_file(tmp_path / "f.parquet").load()
    ragged = pa.table({"features": [[1.0], [1.0, 2.0]], "labels": [0, 1]})
    pq.write_table(ragged, tmp_path / "f.parquet")
    with pytest.raises(InputError, match="differ in length"):
        open_features_file(tmp_path / "f.parquet").load()


@pytest.mark.parametrize("suffix", ["npz", "parquet"])
def test_source_probs_come_along(tmp_path: Path, suffix: str) -> None:
    probs = np.random.default_rng(1).dirichlet(np.ones(4), size=6)
    path, labels = tmp_path / f"f.{suffix}", ["a", "a", "c", "c", "b", "b"]

    def write(probabilities: np.ndarray) -> None:  # type: ignore[type-arg]
        if suffix == "npz":
            np.savez(path, features=X, labels=labels, source_probs=probabilities)
        else:
            columns = {
                "features": X.tolist(),
                "labels": labels,
                "source_probs": list(probabilities),
            }
            pq.write_table(pa.table(columns), path)

    write(probs)
    given = open_features_file(path).load().source_probs
    assert given is not None
    np.testing.assert_array_equal(given, probs)
    if suffix == "npz":
        write(probs[:5])
        with pytest.raises(InputError, match="do not fit"):
            open_features_file(path).load()


def parquet(path: Path, features: object, labels: object, **others: object) -> Path:
    pq.write_table(pa.table({"features": features, "label": labels, **others}), path)
    return path


ROWS = X.tolist()
NAMES = ["a", "a", "c", "c", "b", "b"]


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        ([*ROWS[:4], ROWS[4] + [1.0], ROWS[5][:2]], NAMES, "differ in length: 3 in row 0, 4 in"),
        ([*ROWS[:4], None, ROWS[5] * 2], NAMES, "row 4 has no 'features'"),
        (ROWS, [*NAMES[:5], None], r"row 5 has no label \(1 have none\)"),
        (ROWS, pa.array([*NAMES[:5], None]).dictionary_encode(), "row 5 has no label"),
        (ROWS, [1, 2, None, 1, 2, 1], "row 2 has no label"),
        (ROWS, [None] * 6, "row 0 has no label"),
        (ROWS, [0.5, 1.0, 2.0, 1.0, 0.0, 1.0], "must be integers or strings, got float64"),
        (ROWS, [[1]] * 6, "integers or strings, got object"),
        (ROWS, [{"a": 1}] * 6, "integers or strings, got object"),
        ([1.0] * 6, NAMES, "must hold lists of numbers, not double"),
        ([["x"]] * 6, NAMES, "must hold lists of numbers, not list"),
        (pa.array([], pa.list_(pa.float32())), pa.array([], pa.string()), "no rows"),
    ],
)  # fmt: skip
def test_a_parquet_that_says_something_else_is_named(
    tmp_path: Path, features: object, labels: object, message: str
) -> None:
    path = parquet(tmp_path / "f.parquet", features, labels)
    with pytest.raises(InputError, match=message):
        open_features_file(path).load()


def test_a_folder_and_a_missing_column_are_named(tmp_path: Path) -> None:
    (tmp_path / "d.parquet").mkdir()
    with pytest.raises(InputError, match="a folder"):
        open_features_file(tmp_path / "d.parquet").load()
    pq.write_table(pa.table({"features": ROWS}), tmp_path / "f.parquet")
    with pytest.raises(InputError, match="no column 'class_name', 'labels', 'label' among"):
        open_features_file(tmp_path / "f.parquet").load()


@pytest.mark.parametrize("kind", ["array", "damaged", "empty", "raw", "half", "nan"])
def test_what_is_no_npz_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "f.npz"
    np.savez_compressed(path, features=X, labels=[0, 1] * 3)
    whole = path.read_bytes()
    if kind == "array":
        with path.open("wb") as stream:
            np.save(stream, X)
    elif kind == "damaged":
        middle = whole.find(b"labels") // 2
        path.write_bytes(whole[:middle] + bytes(20) + whole[middle + 20 :])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "raw":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("features", b"text")
            archive.writestr("labels", b"")
    else:
        labels = [0.5, 1.0] * 3 if kind == "half" else [float("nan"), 1.0] * 3
        np.savez(path, features=X, labels=labels)
    with pytest.raises(InputError, match="cannot read"):
        open_features_file(path).load()


@pytest.mark.parametrize("missing", [[None] * 6, [1, 1, None, None, 2, 2]])
def test_rows_without_a_group_stand_alone(tmp_path: Path, missing: list[object]) -> None:
    groups = pa.array(missing, pa.int64())
    given = open_features_file(parquet(tmp_path / "f.parquet", ROWS, NAMES, group=groups)).load()
    assert given.groups is not None
    assert len(set(given.groups.tolist())) == (6 if missing[0] is None else 4)


def test_a_parquet_is_read_in_blocks(tmp_path: Path) -> None:
    features = np.random.default_rng(0).normal(size=(5000, 4)).astype(np.float32)
    labels = np.arange(5000) % 3
    path = parquet(tmp_path / "f.parquet", features.tolist(), labels)
    given = open_features_file(path)
    assert given.blocks is not None
    blocks = list(given.blocks())
    assert len(blocks) > 2
    np.testing.assert_array_equal(np.concatenate([rows for rows, _ in blocks]), features)
    np.testing.assert_array_equal(np.concatenate([found for _, found in blocks]), labels)
