"""What a run would do, without doing it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from featrank.cache.store import FeatureStore
from featrank.config import RunConfig
from featrank.errors import FeatrankError
from featrank.reporting import Reporter
from featrank.run.context import RunContext, resolve
from featrank.run.plan import ModelPlan, plan_models
from featrank.zoos import zoo_of


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """What a run would do for one model.

    Attributes:
        model: The resolved id.
        requested: As typed.
        layers: How many layers are asked for.
        cached: How many of them are in the cache.
        images: Images that would go through the network.
        download: Whether weights would be downloaded.
        download_bytes: How many bytes; None where that is not known.
        images_per_second: As measured when features of this model were made on this machine; None
            where they never were.
        reason: Why it would fail; empty where nothing says so.
    """

    model: str
    requested: str
    layers: int = 0
    cached: int = 0
    images: int = 0
    download: bool = False
    download_bytes: int | None = None
    images_per_second: float | None = None
    reason: str = ""

    @property
    def seconds(self) -> float | None:
        """How long its forward pass would take; None where no speed is known."""
        if not self.images:
            return 0.0
        return self.images / self.images_per_second if self.images_per_second else None

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, without what is not known."""
        known = {**asdict(self), "seconds": self.seconds}
        return {key: value for key, value in known.items() if value not in (None, "")}


def plan_run(config: RunConfig, reporter: Reporter) -> list[PlannedModel]:
    """What a run would do for each model: nothing is downloaded or extracted.

    Raises:
        InputError: Asked wrongly, as a run would be.
    """
    with resolve(config, reporter, fetch=False) as run:
        plans = plan_models(run, fetch=False)
        speeds = _speeds(run.store, config.precision)
        return [_planned(plan, run, speeds) for plan in plans]


def _planned(plan: ModelPlan, run: RunContext, speeds: dict[str, float]) -> PlannedModel:
    model = plan.model
    if plan.error is not None:
        return PlannedModel(model.id, model.requested, reason=plan.error.message)
    download = any(candidate.key is None for candidate in plan.candidates)
    size, reason = None, ""
    if download:
        try:
            size = zoo_of(model).download_size(model, run.shelf)
        except FeatrankError as error:
            reason = error.message
    return PlannedModel(
        model=model.id,
        requested=model.requested,
        layers=len(plan.candidates),
        cached=sum(candidate.layer is not None for candidate in plan.candidates),
        images=len(run.target.samples) if plan.missing else 0,
        download=download,
        download_bytes=size,
        images_per_second=speeds.get(model.id),
        reason=reason,
    )


def _speeds(store: FeatureStore, precision: str) -> dict[str, float]:
    """Images a second by model, of the extraction that was used last."""
    measured: dict[str, tuple[float, float]] = {}
    for _, layer in store.layers():
        if layer is None or layer.manifest.key.get("precision") != precision:
            continue
        speed = layer.manifest.extraction.get("images_per_second")
        model = layer.manifest.model
        if speed and layer.last_use >= measured.get(model, (0.0, 0.0))[0]:
            measured[model] = (layer.last_use, float(speed))
    return {model: speed for model, (_, speed) in measured.items()}
