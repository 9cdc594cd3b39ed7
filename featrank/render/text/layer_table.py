"""The layers of one architecture as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from featrank.layers.names import LayerInfo
from featrank.render.text.visible import talk


def layer_table(layers: Sequence[LayerInfo], pooling: str) -> Table:
    """A row a layer, in depth order.

    Args:
        layers: The layers.
        pooling: Whose widths are shown; a dash where a layer cannot be pooled so.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    # A name is there to be copied: where the terminal is too narrow it goes on in the next line.
    table.add_column("layer", vertical="bottom", overflow="fold")
    costs = ("params", "multiply-\nadds", "activa-\ntions")
    for heading in ("shape", f"width\n({pooling})", "stride", *costs):
        table.add_column(heading, justify="right", no_wrap=True)
    for layer in layers:
        table.add_row(
            Text(talk(layer.name)),
            "×".join(map(str, layer.shape)),
            str(layer.widths.get(pooling, "–")),
            str(layer.stride or "–"),
            f"{layer.params_share:.1%}",
            f"{layer.macs_share:.1%}",
            f"{layer.activations_share:.1%}",
        )
    return table
