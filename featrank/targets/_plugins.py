"""Target kinds of other packages: what they must say, and what becomes of their failures."""

from __future__ import annotations

from typing import Any

from featrank.registry import guarded, passed_over
from featrank.targets._target import Access, Target, TargetKind


class _Guarded:
    """A target kind that is passed over where it fails to say what it accepts.

    Args:
        declared: As another package declares it.
        origin: That package with its version.
    """

    def __init__(self, declared: Any, origin: str) -> None:
        self.name: str = declared.name
        self.reads = str(getattr(declared, "reads", ""))
        self.takes_label_column = bool(getattr(declared, "takes_label_column", True))
        whose = f"the target kind '{self.name}' of {origin}"

        def accepts(spec: str) -> bool:
            return bool(declared.accepts(spec))

        def open_(spec: str, access: Access) -> Target:
            target = declared.open(spec, access)
            if not isinstance(target, Target):
                raise TypeError(f"{target!r} is no Target")
            return target

        self.accepts = passed_over(accepts, whose, otherwise=False)
        self.open = guarded(open_, whose)


def admit(declared: Any, origin: str) -> TargetKind:
    """A target kind as another package declares it, guarded.

    Raises:
        AttributeError: It has no name.
        TypeError: It is no target kind.
    """
    if not isinstance(declared.name, str) or not declared.name:
        raise TypeError(f"{declared.name!r} is no name for a target kind")
    lacking = [step for step in ("accepts", "open") if not callable(getattr(declared, step, None))]
    if lacking:
        raise TypeError(f"a target kind needs {' and '.join(lacking)}")
    return _Guarded(declared, origin)
