from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer

from featrank.config.checks import (
    Checked,
    at_least,
    check_options,
    device,
    flag_of,
    one_of,
    share,
)
from featrank.errors import InputError


@dataclass
class Inner:
    n_times: Annotated[int | None, typer.Option(), Checked(at_least(2))] = None


@dataclass
class Outer:
    inner: Inner
    word: Annotated[str, typer.Option("--say", "-s"), Checked(one_of(["a", "b"]))] = "a"


def test_every_field_is_checked_also_of_what_is_within() -> None:
    check_options(Outer(Inner()))
    check_options(Outer(Inner(2), "b"))
    with pytest.raises(InputError, match="--n-times must be at least 2, got 1"):
        check_options(Outer(Inner(1)))
    with pytest.raises(InputError, match="--say 'c' is unknown"):
        check_options(Outer(Inner(), "c"))


def test_a_flag_is_named_after_its_field_unless_it_says_so() -> None:
    assert flag_of("n_times", ()) == "--n-times"
    assert flag_of("word", (typer.Option("--say", "-s"),)) == "--say"


@pytest.mark.parametrize(("text", "expected"), [("1/1", (1, 1)), ("2/8", (2, 8))])
def test_shares(text: str, expected: tuple[int, int]) -> None:
    assert share("--shard", text) == expected


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/0", "-1/2", "1/2/3", "a/b", ""])
def test_no_share(text: str) -> None:
    with pytest.raises(InputError, match="--shard"):
        share("--shard", text)


def test_a_device_by_name() -> None:
    device("--device", "cuda:7")
    with pytest.raises(InputError, match="--device 'gpu' is unknown"):
        device("--device", "gpu")
