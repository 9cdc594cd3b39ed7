"""Before any work: which model's features are here, and which must be extracted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from featrank.cache.key import FeatureKey
from featrank.cache.store import Layer
from featrank.errors import FeatrankError, IncompleteError, InputError, forget_frames
from featrank.layers import EXTRACTOR_VERSION
from featrank.layers.index import LayerIndex
from featrank.layers.names import HEAD_LAYER, PRE_LOGITS, choose_layers, needs_listing
from featrank.records import LayerRef, ModelRef, Weights
from featrank.run.context import RunContext
from featrank.run.downloads import announce_downloads
from featrank.zoos import zoo_of


@dataclass(frozen=True, slots=True)
class Candidate:
    """One layer of a model on its way through a run.

    Attributes:
        model: The model.
        key: Identity of its features; None where the weights are out of reach.
        weights: Its weights; None where they are out of reach.
        layer: Its features in the store; None where they must be extracted.
        forwarded: Images that this run put through the network for it.
        error: Why it cannot be scored.
        depth: Share of the network's multiply-adds up to the layer, where it is known.
    """

    model: ModelRef
    key: FeatureKey | None = None
    weights: Weights | None = None
    layer: Layer | None = None
    forwarded: int = 0
    error: FeatrankError | None = None
    depth: float | None = None

    def __post_init__(self) -> None:
        # It is kept to the end of the run, and would keep a network and its maps on the GPU.
        if self.error is not None:
            forget_frames(self.error)


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """What a run has to do for one model: the layers that are cached, and those to extract.

    Attributes:
        candidates: The layers to rank, in depth order; one with the error where the model failed.
        head: The classifier's probabilities; None where there are none.
        needs_head: Whether a metric reads them.
    """

    candidates: tuple[Candidate, ...]
    head: Candidate | None = None
    needs_head: bool = False

    @property
    def model(self) -> ModelRef:
        return self.candidates[0].model

    @property
    def error(self) -> FeatrankError | None:
        return self.candidates[0].error

    @property
    def is_at_hand(self) -> bool:
        """Whether no forward pass is needed: all is cached, or it has failed."""
        return self.error is not None or not self.missing

    @property
    def missing(self) -> list[Candidate]:
        """What a forward pass must give: nothing where all is here.

        The probabilities come along wherever the pass reaches them anyway.
        """
        wanted = [candidate for candidate in self.candidates if candidate.layer is None]
        head = self.head
        if head is not None and head.layer is None:
            reached = any(c.key is not None and c.key.layer.name == PRE_LOGITS for c in wanted)
            if reached or self.needs_head:
                wanted.append(head)
        return wanted


def plan_models(
    run: RunContext, *, needs_head: bool = False, fetch: bool = True
) -> list[ModelPlan]:
    """Locate weights and cached features of each model; weights out of use fail that model only.

    Args:
        run: The models and the images.
        needs_head: Whether the classifier's probabilities are needed.
        fetch: Whether weights that are missing are downloaded; the candidates of models without
            weights have no key otherwise.

    Raises:
        InputError: Layers that the user named are not there, or the weights of the only model
            cannot be used.
    """
    if fetch and run.config.cache != "only":
        announce_downloads(run.models, run.shelf)
    index = LayerIndex(run.config.cache_dir)
    plans = [
        _plan_model(model, run, index, needs_head=needs_head, fetch=fetch) for model in run.models
    ]
    _announce(plans, run)
    return plans


def _plan_model(
    model: ModelRef, run: RunContext, index: LayerIndex, *, needs_head: bool, fetch: bool
) -> ModelPlan:
    try:
        # First, so that a wrong --layers is refused before anything is downloaded.
        layers = _layers_of(model, run, index)
    except IncompleteError as error:
        return failed_plan(model, error)
    try:
        if not fetch and zoo_of(model).find_weights(model, run.shelf) is None:
            return ModelPlan(tuple(Candidate(model, depth=depth) for _, depth in layers))
        return _locate(_identify(model, run), layers, run, needs_head=needs_head)
    except FeatrankError as error:
        refuse_alone(error, run.models)
        return failed_plan(model, error)


def _announce(plans: Sequence[ModelPlan], run: RunContext) -> None:
    failed = sum(plan.error is not None for plan in plans)
    missing = sum(plan.error is None and bool(plan.missing) for plan in plans)
    layers = sum(len(plan.candidates) for plan in plans if plan.error is None)
    of_layers = f" ({layers} layers)" if layers > len(plans) else ""
    run.reporter.say(
        f"plan: {len(run.target.samples)} images × {len(plans)} models{of_layers}:"
        f" {len(plans) - missing - failed} cached, {missing} to extract, {failed} failed"
    )


def failed_plan(model: ModelRef, error: FeatrankError) -> ModelPlan:
    """A model that keeps its place in the table, with the reason."""
    return ModelPlan((Candidate(model, error=error),))


def refuse_alone(error: FeatrankError, all_of_them: Sequence[object]) -> None:
    """End a run whose only model was asked for wrongly; one among several fails alone.

    Raises:
        InputError: The error itself.
    """
    if isinstance(error, InputError) and len(all_of_them) == 1:
        raise error


def _layers_of(
    model: ModelRef, run: RunContext, index: LayerIndex
) -> list[tuple[LayerRef, float | None]]:
    """The layers that the run asks of a model, with the depth of each where it is known."""
    config = run.config
    if not needs_listing(config.layers) and config.pool == "auto":
        return [(LayerRef(), None)]
    size = zoo_of(model).preprocessing(model, run.shelf).input_size
    known = index.get(model, size, run.shelf)
    try:
        chosen = choose_layers(config.layers, config.pool, known)
    except InputError as error:
        raise InputError(f"{model.requested}: {error.message}", error.hint) from error
    return [(LayerRef(info.name, config.pool), info.macs_share) for info in chosen]


def _identify(model: ModelRef, run: RunContext) -> tuple[ModelRef, FeatureKey, Weights]:
    """A model with the key of its last layer and its weights, fetched where they are missing."""
    zoo, config, shelf = zoo_of(model), run.config, run.shelf
    weights = zoo.find_weights(model, shelf)
    if weights is None and config.cache == "only":
        raise IncompleteError(
            f"the weights of {model.id} are not on this machine, and --cache only is set",
            "score what is cached with `featrank score`, or run without --cache only",
        )
    weights = weights or zoo.fetch_weights(model, shelf)
    key = FeatureKey(
        target=run.target.fingerprint,
        architecture=model.architecture,
        weights=weights.fingerprint,
        preprocessing=zoo.preprocessing(model, shelf),
        precision=config.precision,
        extractor=EXTRACTOR_VERSION,
        layer=LayerRef(),
        decoding=run.target.decoding,
    )
    return model, key, weights


def _locate(
    identity: tuple[ModelRef, FeatureKey, Weights],
    layers: Sequence[tuple[LayerRef, float | None]],
    run: RunContext,
    *,
    needs_head: bool,
) -> ModelPlan:
    """Which of a model's layers are in the store."""
    model, key, weights = identity
    config = run.config

    def find(layer: LayerRef, depth: float | None = None) -> Candidate:
        wanted = key.with_layer(layer)
        found = None if config.cache == "refresh" else run.store.find(wanted)
        return Candidate(model, wanted, weights, found, depth=depth)

    candidates = tuple(find(layer, depth) for layer, depth in layers)
    if config.cache == "only" and any(candidate.layer is None for candidate in candidates):
        raise IncompleteError(
            f"features of {model.id} are not in the cache, and --cache only is set",
            "run it once without --cache only",
        )
    return ModelPlan(candidates, find(HEAD_LAYER), needs_head and config.cache != "only")
