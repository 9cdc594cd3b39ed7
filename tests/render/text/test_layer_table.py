import io

from rich.console import Console

from featrank.layers.names import LayerInfo
from featrank.render.text.layer_table import layer_table


def test_a_row_a_layer() -> None:
    layer = LayerInfo(
        "blocks.3", (), (197, 384), {"auto": 384}, {"cls": "no"}, 16, 5, 7, 9, 0.25, 0.5, 0.75
    )
    stream = io.StringIO()
    for pooling in ("auto", "cls"):
        Console(file=stream, width=200).print(layer_table([layer], pooling))
    text = stream.getvalue()
    assert "(auto)" in text
    assert "(cls)" in text
    for said in ("blocks.3", "197×384", "384", "16", "25.0%", "50.0%", "75.0%", "–"):
        assert said in text


def test_a_name_is_never_cut() -> None:
    name = "features.transition1.a_name_that_is_longer_than_its_column"
    layer = LayerInfo(name, (), (2048, 7, 7), {"auto": 384}, {}, 16, 5, 7, 9, 0.25, 0.5, 0.75)
    stream = io.StringIO()
    Console(file=stream, width=80).print(layer_table([layer], "auto"))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    (first,) = [i for i, line in enumerate(lines) if "2048×7×7" in line]
    width = lines[first].index("2048×7×7")
    assert "".join(line[:width].strip() for line in lines[first:]) == name
