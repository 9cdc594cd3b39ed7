from __future__ import annotations

import pickle
from dataclasses import dataclass, replace

import numpy as np
from pixel_files import eighths, png

from featrank.targets import Sample
from featrank.targets._file_reader import FileReader
from featrank.targets._value_range import INTEGER, Reading

SAMPLE = Sample("a.png", "a", "0")


@dataclass(frozen=True)
class OneFile(FileReader):
    data: bytes

    def head(self, sample: Sample) -> bytes:
        return self.data[:32]

    def encoded(self, sample: Sample) -> bytes:
        return self.data


def test_it_decodes_as_it_was_told_also_in_another_process() -> None:
    values = np.array([[0, 1023, 511]], dtype=np.uint16)
    reader = OneFile(png(values))
    told = pickle.loads(pickle.dumps(replace(reader, reading=Reading({INTEGER: (0, 1023)}))))
    assert np.array_equal(np.asarray(reader(SAMPLE)), eighths(values, 65_535))
    assert np.array_equal(np.asarray(told(SAMPLE)), eighths(values, 1023))
