"""Before any work: which model's features are here, and which must be extracted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from featrank.cache.key import FeatureKey
from featrank.cache.store import FeatureStore, Layer
from featrank.config import RunConfig
from featrank.errors import FeatrankError, IncompleteError
from featrank.extract import EXTRACTOR_VERSION
from featrank.records import LayerRef, ModelRef, Weights
from featrank.targets.target import Target
from featrank.zoos import zoo_of
from featrank.zoos.zoo import Shelf


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model on its way through a run.

    Attributes:
        model: The model.
        key: Identity of its features; None where the weights are out of reach.
        weights: Its weights; None where they are out of reach.
        layer: Its features in the store; None where they must be extracted.
        forwarded: Images that this run put through the network for it.
        error: Why it cannot be scored.
    """

    model: ModelRef
    key: FeatureKey | None = None
    weights: Weights | None = None
    layer: Layer | None = None
    forwarded: int = 0
    error: FeatrankError | None = None


def plan_candidates(
    models: Sequence[ModelRef],
    target: Target,
    config: RunConfig,
    store: FeatureStore,
    shelf: Shelf,
) -> list[Candidate]:
    """Locate weights and cached features of each model; weights out of reach fail that model only.

    Raises:
        InputError: Weights that the user named cannot be used.
    """
    return [_plan(model, target, config, store, shelf) for model in models]


def _plan(
    model: ModelRef, target: Target, config: RunConfig, store: FeatureStore, shelf: Shelf
) -> Candidate:
    try:
        weights = _weights(model, config, shelf)
        key = FeatureKey(
            target=target.fingerprint,
            architecture=model.architecture,
            weights=weights.fingerprint,
            preprocessing=zoo_of(model).preprocessing(model, shelf),
            precision=config.precision,
            extractor=EXTRACTOR_VERSION,
            layer=LayerRef(),
        )
        layer = None if config.cache == "refresh" else store.find(key)
        if layer is None and config.cache == "only":
            raise IncompleteError(
                f"features of {model.id} are not in the cache, and --cache only is set",
                "run it once without --cache only",
            )
    except IncompleteError as error:
        return Candidate(model, error=error)
    return Candidate(model, key, weights, layer)


def _weights(model: ModelRef, config: RunConfig, shelf: Shelf) -> Weights:
    zoo = zoo_of(model)
    here = zoo.find_weights(model, shelf)
    if here is not None:
        return here
    if config.cache == "only":
        raise IncompleteError(
            f"the weights of {model.id} are not here, and --cache only is set",
            "score what is cached with `featrank score`, or run without --cache only",
        )
    return zoo.fetch_weights(model, shelf)
