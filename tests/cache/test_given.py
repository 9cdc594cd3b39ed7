import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from featrank.cache.given import read_features_file
from featrank.errors import InputError

X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)


@pytest.mark.parametrize("labels", [[0, 0, 5, 5, 2, 2], ["a", "a", "c", "c", "b", "b"]])
def test_npz(tmp_path: Path, labels: list[object]) -> None:
    np.savez(tmp_path / "f.npz", features=X, labels=labels)
    given = read_features_file(tmp_path / "f.npz")
    np.testing.assert_array_equal(given.features, X)
    assert given.labels.tolist() == [0, 0, 2, 2, 1, 1]
    assert given.class_names == tuple(sorted({str(label) for label in labels}))


@pytest.mark.parametrize("column", ["label", "labels", "class_name"])
@pytest.mark.parametrize("kind", ["list", "fixed"])
def test_parquet(tmp_path: Path, column: str, kind: str) -> None:
    rows = pa.array(X.tolist(), pa.list_(pa.float32(), 3 if kind == "fixed" else -1))
    table = pa.table({"features": rows, column: ["a", "a", "c", "c", "b", "b"]})
    pq.write_table(table, tmp_path / "f.parquet")
    given = read_features_file(tmp_path / "f.parquet")
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
        read_features_file(tmp_path / "f.npz")
    (tmp_path / "g.npz").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    with pytest.raises(InputError, match="cannot read"):
        read_features_file(tmp_path / "g.npz")
    assert not (tmp_path / "ran").exists()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_features_file(tmp_path / "f.npz")
    np.savez(tmp_path / "f.npz", features=X)
    with pytest.raises(InputError, match="no array 'labels' among features"):
        read_features_file(tmp_path / "f.npz")
    np.savez(tmp_path / "f.npz", features=X, labels=[0, 1])
    with pytest.raises(InputError, match="do not belong together"):
        read_features_file(tmp_path / "f.npz")
    (tmp_path / "f.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(InputError, match="cannot read"):
        read_features_file(tmp_path / "f.parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "f.parquet")
    with pytest.raises(InputError, match="no column 'features'"):
        read_features_file(tmp_path / "f.parquet")
    ragged = pa.table({"features": [[1.0], [1.0, 2.0]], "labels": [0, 1]})
    pq.write_table(ragged, tmp_path / "f.parquet")
    with pytest.raises(InputError, match="differ in length"):
        read_features_file(tmp_path / "f.parquet")


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
    given = read_features_file(path).source_probs
    assert given is not None
    np.testing.assert_array_equal(given, probs)
    if suffix == "npz":
        write(probs[:5])
        with pytest.raises(InputError, match="do not fit"):
            read_features_file(path)
