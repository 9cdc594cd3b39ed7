"""The only forward loop: images in, features of all wanted layers out, in one pass."""

from __future__ import annotations

import os

# Large maps on huge pages where the system has them: every batch's are cleared anew by the system,
# which took up to half of a pass on a CPU. PyTorch reads this when it first allocates.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

PRECISIONS = ("float32", "bfloat16")
