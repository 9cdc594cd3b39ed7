import io

from rich.console import Console

from featrank.render.text.model_table import print_models

KNOWN = {
    "name": "resnet50.a1_in1k", "n_params": 25_557_032, "macs": 4_110_000_000, "top1": 80.23,
    "input_size": [3, 224, 224], "n_features": 2048, "pretrained_on": ["in21k", "in1k"],
    "license": "apache-2.0", "cached": True,
}  # fmt: skip
BARE = {"name": "odd\x1b[31m", "input_size": [3, 96, 64], "pretrained_on": [], "cached": False}
LEAST = {"name": "mine:one", "pretrained_on": [], "cached": False}


def test_a_line_a_model() -> None:
    stream = io.StringIO()
    print_models([KNOWN, BARE, LEAST], Console(file=stream, width=200))
    known, bare = (line.split() for line in stream.getvalue().splitlines() if "×" in line)
    assert known == [
        "resnet50.a1_in1k", "25.56M", "4.11", "224×224", "2048", "80.23", "in21k", "→", "in1k",
        "apache-2.0", "yes",
    ]  # fmt: skip
    (least,) = [line.split() for line in stream.getvalue().splitlines() if "mine:one" in line]
    assert least == ["mine:one", *"–––––––", "no"]
    assert bare == ["odd\\x1b[31m", "–", "–", "96×64", "–", "–", "–", "–", "no"]
