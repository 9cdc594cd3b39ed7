import pytest

from featrank.errors import FeatrankError, IncompleteError, InputError


@pytest.mark.parametrize(("kind", "code"), [(InputError, 2), (IncompleteError, 3)])
def test_kind_decides_the_exit_code(kind: type[FeatrankError], code: int) -> None:
    error = kind("no such folder: x", "try y")
    assert (error.exit_code, error.message, error.hint) == (code, "no such folder: x", "try y")
    assert str(error) == "no such folder: x"
