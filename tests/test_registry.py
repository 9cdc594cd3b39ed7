import logging
import sys
from pathlib import Path

import pytest

from featrank.errors import InputError, PluginError
from featrank.registry import (
    Registry,
    close_matches,
    did_you_mean,
    guarded,
    is_wildcard,
    passed_over,
)


@pytest.fixture
def fruit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[object]:
    package = tmp_path / "fruit"
    package.mkdir()
    (package / "__init__.py").touch()
    for name in ("apple", "apricot", "pear"):
        (package / f"{name}.py").write_text(
            f"from types import SimpleNamespace\nFRUIT = SimpleNamespace(name='{name}')\n"
        )
    (package / "helper.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    for module in [m for m in sys.modules if m.split(".")[0] == "fruit"]:
        monkeypatch.delitem(sys.modules, module)
    return Registry("fruit", "FRUIT", "fruit")


def test_scan_finds_what_files_declare(fruit: Registry[object]) -> None:
    assert fruit.names() == ["apple", "apricot", "pear"]


def test_select_takes_names_and_wildcards_once_each(fruit: Registry[object]) -> None:
    names = [entry.name for entry in fruit.select(["pear", "ap*", "apple"])]  # type: ignore[attr-defined]
    assert names == ["pear", "apple", "apricot"]


def test_unknown_name_gets_close_matches(fruit: Registry[object]) -> None:
    with pytest.raises(InputError, match="unknown fruit 'aple'") as caught:
        fruit.get("aple")
    assert "apple" in caught.value.hint


def test_wildcard_without_match_lists_what_there_is(fruit: Registry[object]) -> None:
    with pytest.raises(InputError, match=r"no fruit matches 'x\*'") as caught:
        fruit.select(["x*"])
    assert "pear" in caught.value.hint


def test_two_files_may_not_share_a_name(fruit: Registry[object], tmp_path: Path) -> None:
    (tmp_path / "fruit" / "other.py").write_text(
        "from types import SimpleNamespace\nFRUIT = SimpleNamespace(name='pear')\n"
    )
    with pytest.raises(RuntimeError, match="two files declare the fruit 'pear'"):
        fruit.names()


def install(site: Path, package: str, code: str, value: str) -> None:
    """As an installer leaves a package with an entry point."""
    (site / f"{package}.py").write_text(code)
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[fruit]\n{package} = {package}:{value}\n")


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def test_other_packages_add_entries_and_broken_ones_are_left_out(
    fruit: Registry[object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    namespace = "from types import SimpleNamespace\n"
    install(tmp_path, "orchard", f"{namespace}FIG = SimpleNamespace(name='fig')\n", "FIG")
    install(tmp_path, "copycat", f"{namespace}PEAR = SimpleNamespace(name='pear')\n", "PEAR")
    install(tmp_path, "rotten", "raise OSError('worms')\n", "FIG")
    install(tmp_path, "quitter", "raise SystemExit(0)\n", "FIG")
    assert fruit.names() == ["apple", "apricot", "pear", "fig"]
    copied, quitted, rotten = sorted(warnings(caplog))
    assert "plug-in quitter of quitter 1.0 is left out: SystemExit(0)" in quitted
    assert "copycat" in copied
    assert "there is a fruit 'pear' already" in copied
    assert "rotten" in rotten
    assert "worms" in rotten


def test_a_plug_in_is_what_it_is_admitted_as(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def admit(declared: object, origin: str) -> object:
        assert origin == f"{'bad' if declared == 7 else 'saw'} 1.0"
        if declared == 7:
            raise TypeError("seven is no tool")
        return declared

    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    for package, code in (("saw", "SAW = type('Saw', (), {'name': 'saw'})"), ("bad", "SAW = 7")):
        install(tmp_path, package, f"{code}\n", "SAW")
        points = tmp_path / f"{package}-1.0.dist-info" / "entry_points.txt"
        points.write_text(points.read_text().replace("fruit", "tools"))
    registry: Registry[object] = Registry("tools", "TOOL", "tool", admit=admit)
    assert registry.names() == ["saw"]
    assert registry.origin("saw") == "saw 1.0"
    assert registry.origin("pear") == ""
    assert "bad 1.0 is left out: seven is no tool" in warnings(caplog)[0]


def test_entry_points_that_cannot_be_read_leave_the_others(
    fruit: Registry[object], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fig = "from types import SimpleNamespace\nFIG = SimpleNamespace(name='fig')\n"
    for name in ("orchard", "scrawl", "stranger"):
        install(tmp_path, name, fig, "FIG")
    for name, group in (("scrawl", "fruit"), ("stranger", "vegetables")):
        points = tmp_path / f"{name}-1.0.dist-info" / "entry_points.txt"
        points.write_text(f"[{group}]\nno equals sign\n")
    assert fruit.names() == ["apple", "apricot", "pear", "fig"]
    (warning,) = warnings(caplog)
    assert "of scrawl 1.0 is left out" in warning


def test_close_matches_ignore_case_and_fall_back_to_parts() -> None:
    assert close_matches("ResNet5", ["resnet50", "vit"]) == ["resnet50"]
    assert close_matches("lite0", ["tf_efficientnet_lite0", "vit"]) == ["tf_efficientnet_lite0"]
    assert did_you_mean("zzz", ["vit"], "list them") == "list them"
    assert is_wildcard("vit*")
    assert not is_wildcard("vit")


def test_a_failure_of_a_plug_in_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    def step(answer: object) -> object:
        print("talk")  # noqa: T201
        if isinstance(answer, BaseException):
            raise answer
        return answer

    tool = guarded(step, "the tool 'saw' of saws 1.0")
    assert tool(7) == 7
    assert capsys.readouterr() == ("", "talk\n")
    for fault in (ValueError("bent"), SystemExit(0)):
        with pytest.raises(PluginError) as caught:
            tool(fault)
        assert caught.value.message == f"the tool 'saw' of saws 1.0 failed: {fault!r}"
    for through in (InputError("mine"), KeyboardInterrupt()):
        with pytest.raises(type(through)):
            tool(through)


def test_one_that_is_passed_over_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    def step(answer: object) -> object:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    tool = passed_over(step, "the tool 'saw' of saws 1.0", None)
    assert tool(7) == 7
    for fault in (ValueError("bent"), SystemExit(0), InputError("no")):
        assert tool(fault) is None
    said = "warning: the tool 'saw' of saws 1.0 failed and is passed over: ValueError('bent')"
    assert warnings(caplog) == [said]
    with pytest.raises(KeyboardInterrupt):
        tool(KeyboardInterrupt())
