import pytest

from featrank.cli._options import parse_age, parse_size
from featrank.errors import InputError


@pytest.mark.parametrize(
    ("text", "size"), [("20GB", 20 * 10**9), ("1.5 MiB", 1572864), ("100", 100), ("2k", None)]
)
def test_sizes(text: str, size: int | None) -> None:
    if size is None:
        with pytest.raises(InputError, match="--max-size '2k' is not a size"):
            parse_size("--max-size", text)
    else:
        assert parse_size("--max-size", text) == size


@pytest.mark.parametrize(("text", "age"), [("30d", 30 * 86400), ("12h", 43200), ("0.5w", 302400)])
def test_ages(text: str, age: float) -> None:
    assert parse_age("--older-than", text) == age


def test_no_age() -> None:
    with pytest.raises(InputError, match="--older-than '30' is not an age"):
        parse_age("--older-than", "30")
