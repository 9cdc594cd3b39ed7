import pytest

from featrank.errors import InputError
from featrank.gate.conditions import (
    Conditions,
    FailUnder,
    MaxDrop,
    parse_fail_under,
    parse_max_drop,
)


def test_drops_and_floors_as_typed() -> None:
    assert parse_max_drop(["gda:2%", "pets:nb:0.02"]) == (
        MaxDrop("gda", 0.02, relative=True),
        MaxDrop("pets:nb", 0.02, relative=False),
    )
    assert parse_fail_under(["gda=0.8", "tmi=-1e3"]) == (
        FailUnder("gda", 0.8),
        FailUnder("tmi", -1000),
    )
    assert [str(drop) for drop in parse_max_drop(["gda:2.5%", "nb:0.02"])] == [
        "gda:2.5%",
        "nb:0.02",
    ]


@pytest.mark.parametrize("text", ["gda", "gda:", ":2%", "gda:x", "gda:-1%", "gda:nan", "gda:inf"])
def test_what_is_no_drop(text: str) -> None:
    with pytest.raises(InputError, match="--max-drop"):
        parse_max_drop([text])


@pytest.mark.parametrize("text", ["gda", "gda=", "=0.8", "gda=x", "gda=nan"])
def test_what_is_no_floor(text: str) -> None:
    with pytest.raises(InputError, match="--fail-under"):
        parse_fail_under([text])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "nothing to judge"),
        ({"min_tau": 2.0}, "--min-tau"),
        ({"within_top": (0, "x")}, "--within-top"),
        ({"min_tau": 0.0, "allow": frozenset({"fail"})}, "--allow fail"),
    ],
)
def test_what_cannot_be_demanded(given: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Conditions(**given)  # type: ignore[arg-type]
