"""What a zoo is: everything that differs between zoos, with defaults for most of it."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from featrank.errors import FeatrankError, IncompleteError
from featrank.records import ModelRef, Preprocessing, Weights
from featrank.registry import is_wildcard
from featrank.reporting import Reporter, Silent
from featrank.storage.file_hashes import FileHashes
from featrank.zoos._cards import Card
from featrank.zoos._misfit import Misfit
from featrank.zoos._state_dicts import read_state_dict
from featrank.zoos._trained_with import TrainedWith

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the zoos share in one run.

    Attributes:
        directory: Where what they remember is kept; None keeps nothing.
        hashes: Content hashes of weight files.
        allow_partial: Whether a checkpoint may lack more than the head.
        checkpoint_key: Where the weights stand in a checkpoint; empty to look for them.
        as_trained: Whether images become the input that a checkpoint says it was trained with.
        reporter: Told of downloads.
    """

    directory: Path | None = None
    hashes: FileHashes = field(default_factory=FileHashes)
    allow_partial: bool = False
    checkpoint_key: str = ""
    as_trained: bool = False
    reporter: Reporter = field(default_factory=Silent)
    _memory: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def at(
        cls,
        directory: Path | None,
        *,
        allow_partial: bool = False,
        checkpoint_key: str = "",
        as_trained: bool = False,
        reporter: Reporter | None = None,
    ) -> Shelf:
        """With its memory in a directory, or without one."""
        database = directory / "file-hashes.sqlite" if directory else None
        hashes = FileHashes(database)
        return cls(
            directory, hashes, allow_partial, checkpoint_key, as_trained, reporter or Silent()
        )

    def of(self, kind: Callable[[Path | None], T]) -> T:
        """A zoo's own memory: what ``kind`` makes of the directory, made once in a run."""
        if kind not in self._memory:
            self._memory[kind] = kind(self.directory)
        made: T = self._memory[kind]
        return made


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network with its weights.

    Attributes:
        network: On the CPU, in eval mode, with its classifier. It has ``forward_features``,
            ``forward_head`` and ``num_classes`` as timm's networks have; of one without them the
            last linear layer is taken for the classifier.
        misfit: What of a checkpoint did not fit.
        notes: What a user should know of how the weights were read, one line each.
        trained_with: What the weights' file says of its own training.
    """

    network: nn.Module
    misfit: Misfit = field(default_factory=Misfit)
    notes: tuple[str, ...] = ()
    trained_with: TrainedWith = field(default_factory=TrainedWith)


class Zoo:
    """One place models come from; a file of this folder declares one as ``ZOO``.

    A zoo has a :attr:`name`, :meth:`names`, :meth:`preprocessing`, :meth:`find_weights`, and
    :meth:`build` or :meth:`load`. The rest has defaults, to be replaced where they do not do.

    Only :meth:`build` and :meth:`load` may import torch or what is as slow: the others are called
    by runs whose features are cached, and by listings.

    Attributes:
        name: What stands before the colon in ``zoo:name``.
        takes_bare_names: Whether it is asked for names without a zoo; those that are built in are
            asked first, and the first that knows the name has it.
    """

    name: str
    takes_bare_names: bool = False

    def claims(self, text: str) -> bool:
        """Whether a text without the zoo's prefix is in a form that only this zoo reads."""
        return False

    def resolve(self, text: str, shelf: Shelf) -> list[ModelRef]:
        """The models that a name or wildcard (without the ``zoo:`` prefix) means; [] for none.

        By default those of :meth:`names`.

        Raises:
            InputError: The name is understood and cannot be had.
        """
        names = self.names(shelf)
        matched = fnmatch.filter(names, text) if is_wildcard(text) else {text} & set(names)
        return [ModelRef(name, self.name, name, f"{self.name}:{name}") for name in matched]

    def names(self, shelf: Shelf) -> list[str]:
        """What it offers, each once."""
        raise NotImplementedError

    def spellings(self, shelf: Shelf) -> list[str]:
        """What a slip of the keyboard may have meant; by default its names."""
        return self.names(shelf)

    def nearer(self, model: ModelRef, shelf: Shelf) -> ModelRef | None:
        """The same weights as those of another zoo's model, nearer at hand; by default none."""
        return None

    def cards(self, pattern: str, shelf: Shelf) -> Iterable[Card]:
        """What the catalogue says of the models that a name or wildcard means; uses no network.

        By default what :meth:`resolve`, :meth:`preprocessing` and :meth:`find_weights` know.
        """
        for model in self.resolve(pattern, shelf):
            try:
                size = self.preprocessing(model, shelf).input_size
                cached = self.find_weights(model, shelf) is not None
            except FeatrankError:
                yield Card(model.name)
            else:
                yield Card(model.name, input_size=size, cached=cached)

    def preprocessing(self, model: ModelRef, shelf: Shelf) -> Preprocessing:
        """How images become this model's input."""
        raise NotImplementedError

    def find_weights(self, model: ModelRef, shelf: Shelf) -> Weights | None:
        """The weights where they are on this machine, without the network; None where they are not.

        Raises:
            InputError: The weights can never be had so (no such file, not a checkpoint).
            IncompleteError: They are there and damaged; the hint says what to delete.
        """
        raise NotImplementedError

    def fetch_weights(self, model: ModelRef, shelf: Shelf) -> Weights:
        """The weights, downloaded where they are not on this machine; by default never.

        Raises:
            IncompleteError: Out of reach; the hint names the ways out.
        """
        weights = self.find_weights(model, shelf)
        if weights is None:
            raise IncompleteError(f"the weights of {model.id} are not on this machine")
        return weights

    def download_size(self, model: ModelRef, shelf: Shelf) -> int | None:
        """Bytes that :meth:`fetch_weights` would download, to be announced; None: nobody knows.

        Raises:
            FeatrankError: As :meth:`fetch_weights`.
        """
        if getattr(self.fetch_weights, "__func__", None) is Zoo.fetch_weights:
            self.fetch_weights(model, shelf)
            return 0
        return None

    def build(self, model: ModelRef) -> nn.Module | None:
        """The network without its weights, whose layers are listed; None where it cannot be had so.

        By default the layers are those of the network that :meth:`load` gives, for which the
        weights must be on this machine. It may be on the meta device where :meth:`load` does not
        use it.
        """
        return None

    def layers_key(self, model: ModelRef, shelf: Shelf) -> Mapping[str, Any]:
        """What decides the layers of a model, as JSON; lists with equal keys are one.

        The input size and, for a zoo of another package, that package's version are added to it.
        By default the model's name and architecture.
        """
        return {"zoo": self.name, "name": model.name, "architecture": model.architecture}

    def load(self, model: ModelRef, weights: Weights) -> Loaded:
        """The network with these weights; by default :meth:`build`'s, filled from the file.

        Raises:
            InputError: The user's weights do not fit; names the first mismatching tensor.
            IncompleteError: Fetched weights do not.
        """
        network = self.build(model)
        if network is None or weights.path is None:
            raise NotImplementedError(f"the zoo '{self.name}' neither loads nor builds {model.id}")
        try:
            network.load_state_dict(read_state_dict(weights.path))
        except RuntimeError as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
            raise IncompleteError(
                f"cannot load {model.id} from {weights.path}: {reason}"
            ) from error
        return Loaded(network.eval())
