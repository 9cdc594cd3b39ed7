import pytest

from featrank.config.amounts import BYTES, COUNT, SECONDS, Amount
from featrank.errors import InputError


@pytest.mark.parametrize(
    ("amount", "text", "value"),
    [
        (BYTES, "20GB", 20 * 10**9),
        (BYTES, "1.5 MiB", 1572864),
        (BYTES, "100", 100),
        (BYTES, " 7 tib ", 7 * 2**40),
        (SECONDS, "30d", 30 * 86400),
        (SECONDS, "12h", 43200),
        (SECONDS, "0.5w", 302400),
        (COUNT, "30M", 30e6),
        (COUNT, "1.5b", 1.5e9),
        (COUNT, "200k", 2e5),
        (COUNT, "7", 7),
    ],
)
def test_what_is_written(amount: Amount, text: str, value: float) -> None:
    assert amount.parse("--flag", text) == value


@pytest.mark.parametrize(
    ("amount", "text", "said"),
    [
        (BYTES, "2k", "--flag '2k' is not a size"),
        (SECONDS, "30", "--flag '30' is not an age"),
        (COUNT, "-7", "--flag '-7' is not a number"),
        (COUNT, "30MB", "--flag '30MB' is not a number"),
        (COUNT, "", "--flag '' is not a number"),
        (COUNT, "1e6", "--flag '1e6' is not a number"),
    ],
)
def test_what_is_none(amount: Amount, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        amount.parse("--flag", text)
    assert amount.parse("--flag", caught.value.hint.split()[-1]) > 0
