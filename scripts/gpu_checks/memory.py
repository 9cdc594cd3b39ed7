"""Whether a model's memory is given back, also when the model failed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from timm.models.vision_transformer import VisionTransformer

from featrank.config import RunConfig
from featrank.reporting import Silent
from featrank.run.context import resolve
from featrank.run.extract_missing import extract_missing
from featrank.run.plan import plan_models
from gpu_checks.check import Figures, Finding, Setting, held

ALLOWED = 20e6
# Less than the smallest of the tiny networks, so that one that stays is seen.
ALLOWED_QUICK = 0.1e6
# More than any device has.
TOO_MUCH = 2**45


@contextmanager
def _hungry(*, width: int) -> Iterator[None]:
    """ViTs of this width ask, with their maps in hand, for more memory than there is."""
    honest: Any = VisionTransformer.forward_features

    def forward_features(self: Any, pixels: torch.Tensor) -> torch.Tensor:
        maps: torch.Tensor = honest(self, pixels)
        if self.embed_dim == width and len(pixels) > 1:
            maps = maps + torch.empty(TOO_MUCH, dtype=torch.uint8, device=pixels.device)[0]
        return maps

    with mock.patch.object(VisionTransformer, "forward_features", forward_features):
        yield


def _held_bytes(device: torch.device) -> int:
    """Bytes of tensors that are alive; not what cuBLAS keeps for itself."""
    if device.type == "cuda":
        getattr(torch._C, "_cuda_clearCublasWorkspaces", lambda: None)()
        return torch.cuda.memory_allocated(device)
    return sum(
        thing.untyped_storage().nbytes()
        for thing in gc.get_objects()
        if type(thing) in (torch.Tensor, torch.nn.Parameter) and thing.device == device
    )


def memory_is_given_back(setting: Setting) -> Finding:
    """A model that runs out of memory between two good ones, as ``featrank extract`` runs them."""
    failing, width = ("test_vit2", 64) if setting.quick else ("vit_base_patch16_224", 768)
    good = ("test_resnet", "test_efficientnet")
    config = RunConfig(
        dataset=str(setting.few_pictures),
        models=tuple(f"random:{name}" for name in (good[0], failing, good[1])),
        device=str(setting.device),
        batch_size=setting.batch_sizes[1],
        workers=setting.workers,
        cache_dir=setting.cache,
        cache="refresh",
    )
    before = _held_bytes(setting.device)
    found: Figures = {}
    holds = True
    allowed = ALLOWED_QUICK if setting.quick else ALLOWED
    with _hungry(width=width), resolve(config, Silent()) as run:
        for _, done in extract_missing(plan_models(run), run):
            model = done.model.requested.partition(":")[2]
            error = done.candidates[0].error
            failed = error is not None and "out of memory" in error.message
            more = _held_bytes(setting.device) - before
            found[f"MB after {model}"] = round(more / 1e6, 1)
            holds = holds and more <= allowed and failed == (model == failing)
            if error is not None and not failed:
                found[f"{model} failed"] = error.message
    return held(holds, found)
