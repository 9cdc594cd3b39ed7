"""Processes that decode batches, each with a pipe of its own to hand them over.

Not torch's DataLoader: that hands tensors over in shared memory, of which a container has 64 MB,
and through locks that a killed process takes along; either leaves the reader waiting for ever. Here
the end of a decoder is the end of its pipe, however it comes and however slow it was before.
"""

from __future__ import annotations

import itertools
import logging
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import Empty, Queue

import torch

from featrank.errors import IncompleteError
from featrank.records import Skipped

log = logging.getLogger("featrank")

# After so long without a batch the run says what it waits for. How long decoding may take nobody
# knows; that a decoder is gone is seen by the end of its pipe.
SILENCE_S = 60.0
_CONDITIONS = {
    "T": "stopped: kill -CONT lets it go on",
    "t": "stopped by a debugger",
    "D": "waiting for a disk or a network file system",
}


@dataclass(frozen=True, slots=True)
class ImageBatch:
    """Transformed images of one batch.

    Attributes:
        rows: Their rows in the target.
        pixels: ``(len(rows), channels, height, width)`` float32.
        skipped: The images of the batch that could not be decoded.
    """

    rows: list[int]
    pixels: torch.Tensor | None
    skipped: list[Skipped]


Decode = Callable[[Sequence[int]], ImageBatch]


class Decoders:
    """Decode batches ahead, in order; leaving the ``with`` block kills the processes.

    Decoder ``i`` of ``n`` makes batches ``i``, ``i + n`` and so on. Of each at most three wait: one
    in its pipe, one in the hands of the thread that receives, one in the queue.

    Args:
        decode: From the rows of a batch to the batch.
        batches: The rows of each.
        workers: How many processes, at least 1.
        pin_memory: For faster copies to a GPU.
    """

    def __init__(
        self, decode: Decode, batches: Sequence[list[int]], workers: int, *, pin_memory: bool
    ) -> None:
        self._decode = decode
        self._batches = batches
        self._workers = workers
        self._pin_memory = pin_memory
        self._processes: list[BaseProcess] = []
        self._queues: list[Queue[ImageBatch | Exception | None]] = []
        self._ours: list[Connection] = []

    def __enter__(self) -> Iterator[ImageBatch]:
        try:
            self._start()
        except BaseException as error:
            self.__exit__()
            if isinstance(error, OSError):
                raise IncompleteError(
                    f"cannot start {self._workers} decoding processes: {error.strerror}",
                    "try fewer --workers; --workers 0 needs none",
                ) from error
            raise
        return self._received()

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()
        for queue in self._queues:  # a thread may wait for room in it
            while queue.get() is not None:
                pass
        for connection in self._ours:
            connection.close()
        self._processes, self._queues, self._ours = [], [], []

    def _start(self) -> None:
        context = multiprocessing.get_context()
        # Never written to: a decoder reads its end when we are gone, even if we were killed.
        lifeline, held = context.Pipe(duplex=False)
        self._ours += [lifeline, held]
        theirs: list[Connection] = []
        with _no_signals():
            for first in range(self._workers):
                reader, writer = context.Pipe(duplex=False)
                self._ours.append(reader)
                process = context.Process(
                    target=_work,
                    args=(self._decode, self._batches[first :: self._workers]),
                    kwargs={"writer": writer, "lifeline": lifeline, "foreign": self._ours[1:]},
                    daemon=True,
                )
                try:
                    process.start()
                finally:
                    # Whoever else holds this end would hide that the decoder is gone.
                    writer.close()
                self._processes.append(process)
                theirs.append(reader)
        for reader in theirs:
            queue: Queue[ImageBatch | Exception | None] = Queue(maxsize=1)
            thread = threading.Thread(
                target=_receive, args=(reader, queue, self._pin_memory), daemon=True
            )
            thread.start()
            self._queues.append(queue)

    def _received(self) -> Iterator[ImageBatch]:
        for i in range(len(self._batches)):
            received = self._next(i % self._workers)
            if isinstance(received, Exception):
                raise received
            if received is None:
                self._queues[i % self._workers].put(None)  # for the one who cleans up
                raise _killed(self._processes[i % self._workers])
            yield received

    def _next(self, worker: int) -> ImageBatch | Exception | None:
        """What a decoder hands over; a slow one is waited for, and that is said."""
        for waited in itertools.count(1):
            try:
                return self._queues[worker].get(timeout=SILENCE_S)
            except Empty:
                pid = self._processes[worker].pid
                log.warning(
                    "warning: no images for %g s: decoding process %s is %s",
                    waited * SILENCE_S, pid, _condition(pid),
                )  # fmt: skip
        raise AssertionError("it counts for ever")


def _condition(pid: int | None) -> str:
    """What a process that is not dead is doing, as far as the system says."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        state = ""
    return _CONDITIONS.get(state, "at work")


def _killed(process: BaseProcess) -> IncompleteError:
    process.join(1)
    code = process.exitcode
    cause = f": {signal.strsignal(-code)}" if code is not None and code < 0 else ""
    return IncompleteError(
        f"a decoding process ended before its work{cause}",
        "if memory ran out, try fewer --workers or --workers 0; what is finished is kept",
    )


@contextmanager
def _no_signals() -> Iterator[None]:
    """A process that is started in this block gets none until it handles them itself."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _receive(
    reader: Connection, queue: Queue[ImageBatch | Exception | None], pin_memory: bool
) -> None:
    """Move one decoder's batches to a queue, and None when no more can come."""
    try:
        while True:
            received, shape = reader.recv()
            if shape is not None:
                pixels = torch.empty(shape, pin_memory=pin_memory)
                reader.recv_bytes_into(pixels.numpy().data.cast("B"))
                received = replace(received, pixels=pixels)
            queue.put(received)
    except (EOFError, OSError):  # also a message that stops half-way
        pass
    except Exception as error:
        queue.put(error)
    finally:
        queue.put(None)


def _work(
    decode: Decode,
    batches: Sequence[list[int]],
    *,
    writer: Connection,
    lifeline: Connection,
    foreign: Sequence[Connection],
) -> None:
    # Ctrl-C and SIGTERM reach the whole group but are the main process's to handle; it ends its
    # decoders itself. One that died of them would look like a failure of the model.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    for connection in foreign:
        connection.close()
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    torch.set_num_threads(1)  # the processes are the parallelism
    try:
        for rows in batches:
            batch = decode(rows)
            shape = None if batch.pixels is None else tuple(batch.pixels.shape)
            writer.send((replace(batch, pixels=None), shape))
            if batch.pixels is not None:
                writer.send_bytes(batch.pixels.numpy().data.cast("B"))
    except BrokenPipeError:
        pass
    except Exception as error:
        writer.send((_portable(error), None))


def _end_with_parent(lifeline: Connection) -> None:
    lifeline.poll(None)
    os._exit(0)


def _portable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (made in this very line)
    except Exception:
        return IncompleteError(f"{type(error).__name__}: {error}", "--debug shows where")
    return error
