"""Tables in Parquet or in Arrow's own formats, a few rows in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from featrank.storage.named_files import open_regular

# Arrow's file format begins so; the datasets library writes the stream format, which has no mark.
_ARROW_FILE = b"ARROW1"


@dataclass(frozen=True)
class Table:
    """An open table.

    Attributes:
        schema: Its ``pyarrow.Schema``.
        source: The reader of its format.
    """

    schema: Any
    source: Any

    def batches(self, columns: Sequence[str], n_rows: int = 1 << 16) -> Iterator[Any]:
        """Some columns as ``pyarrow.RecordBatch`` of at most so many rows.

        Raises:
            pyarrow.ArrowException: The table is damaged.
            OSError: It cannot be read.
        """
        if hasattr(self.source, "iter_batches"):
            yield from self.source.iter_batches(n_rows, columns=list(columns))
            return
        for batch in _record_batches(self.source):
            # A reader believes the offsets that a batch states until it is asked to look.
            batch.validate(full=True)
            chosen = batch.select(list(columns))
            for start in range(0, chosen.num_rows, n_rows):
                yield chosen.slice(start, n_rows)


def _record_batches(source: Any) -> Iterator[Any]:
    if hasattr(source, "num_record_batches"):
        for number in range(source.num_record_batches):
            yield source.get_batch(number)
    else:
        yield from source


@contextmanager
def open_table(file: Path) -> Iterator[Table]:
    """A table, by its suffix: ``.arrow`` is Arrow's, all else Parquet.

    Raises:
        pyarrow.ArrowException: It is none.
        OSError: It cannot be read.
    """
    import pyarrow

    # pyarrow opens what has the name, whatever it is.
    with ExitStack() as stack, open_regular(file):
        if file.suffix.lower() != ".arrow":
            from pyarrow.parquet import ParquetFile

            parquet = stack.enter_context(ParquetFile(file))
            yield Table(parquet.schema_arrow, parquet)
            return
        stream = stack.enter_context(pyarrow.memory_map(str(file)))
        is_file = stream.read(len(_ARROW_FILE)) == _ARROW_FILE
        stream.seek(0)
        opener = pyarrow.ipc.open_file if is_file else pyarrow.ipc.open_stream
        source = stack.enter_context(opener(stream))
        yield Table(source.schema, source)
