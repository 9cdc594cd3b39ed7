"""Which layer? Each metric against a linear probe, over the layers of one trained model.

The layers' features come from one forward pass with real ImageNet weights. For each layer:
tmi_norm, tmi_var, gda and nb, and the held-out balanced accuracy of a logistic probe; below, how
well each metric, and depth alone, orders the layers as the probe does (weighted Kendall tau).

    python scripts/layer_study.py --fashion-mnist /usr/share/datasets/fashion-mnist
    python scripts/layer_study.py --folder openclipart-six
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.stats import weightedtau
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from featrank.config import Selection
from featrank.extract.forward import Backbone, extract_features
from featrank.extract.images import default_workers
from featrank.layers.find import find_layers
from featrank.layers.names import HEAD, LayerInfo
from featrank.metrics import METRICS
from featrank.records import FloatArray, LayerRef
from featrank.storage.file_hashes import FileHashes
from featrank.targets import Target, open_target
from featrank.zoos import Shelf, resolve_models, zoo_of

METRIC_NAMES = ("tmi_norm", "tmi_var", "gda", "nb")
FOLDS = 3
FASHION = (
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot",
)  # fmt: skip


def unpack_fashion_mnist(folder: Path, into: Path, images: int) -> None:
    """The first so many training images, the same number of each class, as class folders."""
    with gzip.open(folder / "train-images-idx3-ubyte.gz") as stream:
        pixels = np.frombuffer(stream.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(folder / "train-labels-idx1-ubyte.gz") as stream:
        labels = np.frombuffer(stream.read(), np.uint8, offset=8)
    for label, name in enumerate(FASHION):
        (into / name).mkdir()
        for row in np.flatnonzero(labels == label)[: images // len(FASHION)]:
            Image.fromarray(pixels[row]).save(into / name / f"{row:05}.png")


def features_of_all_layers(
    name: str, target: Target, batch_size: int, workers: int
) -> tuple[list[LayerInfo], list[FloatArray], list[int]]:
    """Every layer's features from one pass, and the rows of the target that they belong to."""
    shelf = Shelf.at(None)
    (model,) = resolve_models([name], shelf)
    zoo = zoo_of(model)
    preprocessing = zoo.preprocessing(model, shelf)
    network = zoo.load(model, zoo.fetch_weights(model, shelf)).network
    infos = [i for i in find_layers(network, preprocessing.input_size).layers if i.name != HEAD]
    layers = [LayerRef(info.name) for info in infos]
    backbone = Backbone(network, preprocessing, torch.device("cpu"), "float32", layers)
    spans = [(0, len(target.samples))]
    batches = list(extract_features(backbone, target, spans, batch_size, workers))
    features = [np.concatenate([b.features[layer] for b in batches]) for layer in layers]
    return infos, features, [row for batch in batches for row in batch.rows]


def probe(features: FloatArray, labels: FloatArray) -> float:
    """Held-out balanced accuracy of a logistic probe on standardised features."""
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    predicted = cross_val_predict(classifier, features, labels, cv=folds)
    return float(balanced_accuracy_score(labels, predicted))


def study(model: str, target: Target, batch_size: int, workers: int) -> None:
    """Print the table of one target."""
    started = time.perf_counter()
    infos, features, rows = features_of_all_layers(model, target, batch_size, workers)
    seconds = time.perf_counter() - started
    labels = np.array(target.labels)[rows]
    print(
        f"{model} on {Path(target.name).name}: {len(rows)} images,"
        f" {len(target.class_names)} classes; {len(infos)} layers in one pass of {seconds:.0f} s\n"
    )
    print("| layer | width | depth | " + " | ".join(METRIC_NAMES) + " | probe |")
    print("|---|---" + "|---" * (len(METRIC_NAMES) + 2) + "|")
    table: list[list[float]] = []
    for info, values in zip(infos, features, strict=True):
        scores = [METRICS.get(name)(values, labels) for name in METRIC_NAMES]
        table.append([info.macs_share, *scores, probe(values, labels)])
        cells = " | ".join(f"{value:.3f}" for value in table[-1])
        print(f"| {info.name} | {values.shape[1]} | {cells} |", flush=True)
    truth = [row[-1] for row in table]
    taus = [
        weightedtau([row[i] for row in table], truth).statistic for i in range(len(table[0]) - 1)
    ]
    cells = " | ".join(f"{tau:.3f}" for tau in taus)
    print(f"| weighted tau against the probe | | {cells} | |\n")


def main() -> None:
    """Study the layers on each target that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fashion-mnist", type=Path, help="folder with the four IDX .gz files")
    parser.add_argument("--images", type=int, default=2000, help="of Fashion-MNIST")
    parser.add_argument("--folder", help="a folder with one folder a class")
    parser.add_argument("--model", default="tf_efficientnet_lite0")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--workers", type=int, default=default_workers())
    given = parser.parse_args()
    speed = given.batch_size, given.workers
    if given.fashion_mnist:
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch, "fashion-mnist")
            root.mkdir()
            unpack_fashion_mnist(given.fashion_mnist, root, given.images)
            study(given.model, open_target(str(root), Selection(), FileHashes()), *speed)
    if given.folder:
        study(given.model, open_target(given.folder, Selection(), FileHashes()), *speed)


if __name__ == "__main__":
    main()
