"""One forward pass under observation: what each module gives, and what it took to get there.

Run on the meta device, where tensors have shapes and no numbers, it costs no arithmetic and no
memory.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from featrank.layers.layout import tensors_in

T = TypeVar("T")

# Two, so that the batch's axis cannot be mistaken for one of length 1.
BATCH = 2


@dataclass(frozen=True, slots=True)
class Call:
    """The end of one module's forward.

    Attributes:
        name: The module's path.
        time: Operations that had run by then.
        output: What it returned.
        macs: Multiply-adds an image, up to there.
        activations: Values an image that convolutions and matrix products gave, up to there.
        n_params: Parameters used up to there.
    """

    name: str
    time: int
    output: object
    macs: int
    activations: int
    n_params: int

    @property
    def identity(self) -> tuple[int, ...]:
        """Equal for modules that return the same tensors."""
        return tuple(id(tensor) for tensor in tensors_in(self.output))


@dataclass
class Trace:
    """What a traced pass left.

    Attributes:
        calls: Every module's forward, in the order they ended, up to the head.
        last_map: What ``forward_features`` returned, as the call of a module without a name.
        pre_logits: The head's input features.
        head: The classifier's logits; None where there is none.
    """

    calls: list[Call]
    last_map: Call
    pre_logits: Call
    head: Call | None
    recorder: Recorder = field(repr=False)

    def is_bottleneck(self, call: Call) -> bool:
        """Whether all that is computed later depends on this output alone."""
        return self.recorder.alive_after(call.time) <= {
            storage(tensor) for tensor in tensors_in(call.output)
        }


def storage(tensor: torch.Tensor) -> int:
    """Of a tensor that lives: views and in-place results share it."""
    return int(tensor.untyped_storage()._cdata)


class Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts multiply-adds and activations, and follows what depends on the input.

    Args:
        network: Whose parameters are counted.
        pixels: The input.
    """

    def __init__(self, network: nn.Module, pixels: torch.Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.time = 0
        self.macs = 0
        self.activations = 0
        self.n_params = 0
        self._params = {storage(p): p.numel() for p in network.parameters()}
        self._born = {storage(pixels): 0}
        self._last_use: dict[int, int] = {}
        # A freed storage's address would be given to another tensor.
        self._kept: list[torch.Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run one operation and take notes."""
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        self.time += 1
        depends = False
        for tensor in tensors_of((args, kwargs)):
            key = storage(tensor)
            self.n_params += self._params.pop(key, 0)
            if key in self._born:
                self._last_use[key] = self.time
                depends = True
        if depends:
            for tensor in tensors_of(out):
                self._born.setdefault(storage(tensor), self.time)
                self._kept.append(tensor)
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.macs += count(*args, **kwargs, out_val=out) // 2 // BATCH
            self.activations += tensors_of(out)[0].numel() // BATCH
        return out

    def alive_after(self, time: int) -> set[int]:
        """Storages that depend on the input, are there by then and are used later."""
        return {
            key for key, used in self._last_use.items() if used > time and self._born[key] <= time
        }


def tensors_of(tree: object) -> list[torch.Tensor]:
    """The tensors anywhere in an operation's arguments or results."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def trace(network: nn.Module, input_size: tuple[int, int, int]) -> Trace:
    """Trace a pass of zeros through a network in eval mode.

    The network itself is left as it was.

    Args:
        network: A timm network.
        input_size: Channels, height, width.
    """
    return on_shapes(network, lambda shapes, device: _trace(shapes, input_size, device))


def on_shapes(network: nn.Module, run: Callable[[nn.Module, torch.device], T]) -> T:
    """What ``run`` gives for a copy of the network without numbers, on the meta device.

    A network whose code needs numbers is given as it is, with its own device. Inference mode, which
    would hide operations from a dispatch mode, is off.
    """
    with torch.inference_mode(mode=False), torch.no_grad():
        try:
            return run(_without_numbers(network), torch.device("meta"))
        except (NotImplementedError, RuntimeError, TypeError):
            return run(network, next(network.parameters()).device)


def _without_numbers(network: nn.Module) -> nn.Module:
    """A copy on the meta device; no weight is copied."""
    memo: dict[int, object] = {
        id(parameter): nn.Parameter(parameter.to("meta"), requires_grad=False)
        for parameter in network.parameters()
    }
    memo |= {id(buffer): buffer.to("meta") for buffer in network.buffers()}
    return copy.deepcopy(network, memo)


def _trace(network: Any, input_size: tuple[int, int, int], device: torch.device) -> Trace:
    dtype = next(network.parameters()).dtype
    pixels = torch.zeros(BATCH, *input_size, dtype=dtype, device=device)
    recorder = Recorder(network, pixels)
    calls: list[Call] = []

    def note(name: str, output: object) -> Call:
        costs = recorder.macs, recorder.activations, recorder.n_params
        return Call(name, recorder.time, output, *costs)

    with recorder:
        with observed(network, lambda name, output: calls.append(note(name, output))):
            last_map = note("", network.forward_features(pixels))
        pre_logits = note("", network.forward_head(last_map.output, pre_logits=True))
        if not getattr(network, "num_classes", 0):
            return Trace(calls, last_map, pre_logits, None, recorder)
        # The head starts again from the map; what it shares with pre_logits must not count twice.
        recorder.macs -= pre_logits.macs - last_map.macs
        recorder.activations -= pre_logits.activations - last_map.activations
        logits = note("", network.forward_head(last_map.output))
    return Trace(calls, last_map, pre_logits, logits, recorder)


@contextmanager
def observed(network: nn.Module, notice: Any) -> Iterator[None]:
    """Call ``notice(name, output)`` at the end of every module's forward."""

    def hook_for(name: str) -> Any:
        return lambda _module, _inputs, output: notice(name, output)

    handles = [
        module.register_forward_hook(hook_for(name))
        for name, module in network.named_modules()
        if name
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
