import io

from rich.console import Console

from featrank.layers import LayerInfo
from featrank.render.layer_table import layer_table


def test_a_row_a_layer() -> None:
    layer = LayerInfo(
        "blocks.3", (), (197, 384), {"auto": 384}, {"cls": "no"}, 16, 5, 7, 9, 0.25, 0.5, 0.75
    )
    stream = io.StringIO()
    for pooling in ("auto", "cls"):
        Console(file=stream, width=200).print(layer_table([layer], pooling))
    text = stream.getvalue()
    for said in ("blocks.3", "197×384", "384", "16", "25.0%", "50.0%", "75.0%", "width (cls)", "–"):
        assert said in text
