import pytest

from featrank.config.gate import GateConfig
from featrank.errors import InputError


def test_a_candidate_has_one_to_beat() -> None:
    assert GateConfig().pair is None
    assert GateConfig(candidate="a", beats="b").pair == ("a", "b")
    for half in ({"candidate": "a"}, {"beats": "b"}):
        with pytest.raises(InputError, match="--candidate and --beats go together"):
            GateConfig(**half)  # type: ignore[arg-type]
