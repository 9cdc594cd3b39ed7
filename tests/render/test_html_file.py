"""The report as a file, and as a browser shows it."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from result_documents import HOSTILE, HOSTILE_CLASS, large_document, small_document
from scipy.stats import weightedtau

from featrank.render import html_file
from featrank.render.text.visible import shown

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def embedded(page: bytes) -> Any:
    """The data that a page's figures are drawn from."""
    found = re.search(rb'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_every_number_is_in_the_file_with_all_its_digits() -> None:
    document = small_document()
    page = html_file.render(document)
    for row in document["rows"][:4]:
        for score in row["scores"].values():
            assert f'data-v="{score["value"]!r}"'.encode() in page
    models = embedded(page)["models"]
    assert [m["scores"] for m in models] == [
        {name: score["value"] for name, score in row["scores"].items()}
        for row in document["rows"][:4]
    ]


def test_nothing_from_outside_is_markup() -> None:
    document = small_document()
    document["target"]["name"] = "</title><script>alert(3)</script>"
    document["skipped"] = [{"path": "</code><script>", "reason": "<svg onload=alert(4)>"}]
    document["stamp"]["command"] = ["featrank", "</script><script>alert(5)</script>"]
    text = html_file.render(document).decode()
    assert text.count("<script") == 2
    assert text.count("</script") == 2
    for bad in ("<img", "<svg", 'x onerror="', HOSTILE_CLASS):
        assert bad not in text
    assert html.escape(HOSTILE[0]) in text


def test_a_script_element_cannot_be_ended_by_its_data() -> None:
    data = {"a": "</script><!--<script>&amp;", "b": 0.1}
    text = html_file.script_json(data)
    assert not re.search("[<>&]", text)
    assert json.loads(text) == data


def test_a_script_shows_nothing_that_is_not_visible() -> None:
    assert json.loads(html_file.script_json({"a\u202e": ["b\u2028", 1]})) == {
        r"a\u202e": [r"b\u2028", 1]
    }


def test_the_page_allows_itself_and_nothing_else() -> None:
    text = html_file.render(small_document()).decode()
    assert "default-src 'none'" in html.unescape(text)
    assert "unsafe" not in text
    links: list[str | None] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            links.extend(value for name, value in attrs if name in ("src", "href", "action"))

    Links().feed(text)
    assert links == ["#ranking"]
    addresses = set(re.findall(r"https?://[^\s\"'&<]+", text)) - {"http://e.example)"}
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_agreement_is_scipys_tau_over_the_models_with_both() -> None:
    document = small_document()
    gda, low = [4, 2, 3, 1], [1, 2, 3, 4]
    for row, a, b in zip(document["rows"], gda, low, strict=False):
        row["scores"]["gda"]["rank"], row["scores"]["low"]["rank"] = a, b
    del document["rows"][1]["scores"]["low"]["rank"]
    expected = weightedtau([-4, -3, -1], [-1, -3, -4]).statistic
    first, _ = html_file.metric_agreement(document)
    assert [cell["text"] for cell in first["cells"]] == [
        "1.00",
        f"{expected:.2f}".replace("-", "−"),
    ]


def test_without_models_there_is_still_a_page() -> None:
    document = small_document(partial=True)
    document["rows"] = []
    text = html_file.render(document).decode()
    assert "5 of 5 models to come" in text


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if CHROMIUM is None or CHROMEDRIVER is None:
        pytest.skip(
            "Chromium and chromedriver are not here: apt-get install chromium chromium-driver"
        )
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))
    yield driver
    driver.quit()


def open_page(browser: Any, document: Any, folder: Path) -> None:
    path = folder / "report.html"
    path.write_bytes(html_file.render(document))
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get(path.as_uri())


def visible_names(browser: Any) -> list[str]:
    return browser.execute_script(  # type: ignore[no-any-return]
        "return [...document.querySelectorAll('#table tbody tr:not([hidden]) th')]"
        ".map((cell) => cell.textContent)"
    )


def requests(browser: Any) -> set[str]:
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return {
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    }


def test_names_show_as_text_and_nothing_runs_or_leaves(browser: Any, tmp_path: Path) -> None:
    open_page(browser, small_document(), tmp_path)
    assert visible_names(browser) == [*map(shown, HOSTILE), "resnet50"]
    text = browser.execute_script("return document.body.innerText")
    assert f"smallest {HOSTILE_CLASS} 3" in text
    assert browser.execute_script("return document.images.length + document.scripts.length") == 2
    # An alert would have made every call above fail; these look for what a browser only logs.
    assert browser.get_log("browser") == []
    assert requests(browser) == {(tmp_path / "report.html").as_uri()}
    # The policy is in force, not only written down.
    browser.execute_script(
        "const made = document.createElement('script'); made.textContent = 'window.ran = 1';"
        " document.body.append(made); new Image().src = 'https://e.example/x.png'"
    )
    assert browser.execute_script("return window.ran") is None
    refused = " ".join(entry["message"] for entry in browser.get_log("browser"))
    assert refused.count("Content Security Policy") >= 2


def test_sorting_and_filtering_by_click_and_by_keyboard(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    open_page(browser, small_document(), tmp_path)
    names = [*map(shown, HOSTILE), "resnet50"]
    low = browser.find_element(By.XPATH, "//thead//button[starts-with(., 'low')]")
    heading = low.find_element(By.XPATH, "..")
    low.click()
    assert heading.get_attribute("aria-sort") == "ascending"
    low.send_keys(Keys.ENTER)
    assert heading.get_attribute("aria-sort") == "descending"
    assert visible_names(browser) == [*names[3::-1], "resnet50"]
    low.send_keys(Keys.SPACE)
    assert visible_names(browser) == names
    assert len(browser.find_elements(By.CSS_SELECTOR, "[aria-sort]")) == 1

    field = browser.find_element(By.ID, "filter")
    assert (
        browser.execute_script("return arguments[0].labels[0].innerText", field).strip() == "Filter"
    )
    field.send_keys("VIT")
    assert visible_names(browser) == ["vit_b16"]
    assert browser.find_element(By.ID, "count").text == "1 of 5 models"
    field.send_keys(" nothing")
    assert visible_names(browser) == []
    assert browser.find_element(By.ID, "none").is_displayed()
    field.send_keys(Keys.ESCAPE)
    assert len(visible_names(browser)) == 5
    # From the field the keyboard alone comes to the headings.
    field.send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.tag_name == "button"


def test_200_models_of_12_layers_in_under_2_seconds(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    open_page(browser, large_document(), tmp_path)
    loaded = browser.execute_script(
        "return performance.getEntriesByType('navigation')[0].loadEventEnd"
    )
    assert 0 < loaded < 2000
    assert len(visible_names(browser)) == 200
    browser.find_element(By.ID, "every").send_keys(Keys.SPACE)
    assert len(visible_names(browser)) == 2400
    assert browser.find_element(By.ID, "count").text == "200 of 200 models"
    figures = "return document.querySelectorAll('#depth-charts figure').length"
    assert browser.execute_script(figures) == 24
    browser.find_element(By.ID, "depth-all").click()
    assert browser.execute_script(figures) == 200
    assert browser.get_log("browser") == []


def test_the_front_is_what_nothing_beats(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    document = large_document(60, 2)
    open_page(browser, document, tmp_path)
    rows = [row for row in document["rows"] if "rank" in row]
    for metric, sign in (("gda", 1), ("nc1", -1)):
        for axis, cheap in (("params", -1), ("speed", 1)):
            Select(browser.find_element(By.ID, "cost-metric")).select_by_value(metric)
            Select(browser.find_element(By.ID, "cost-axis")).select_by_value(axis)
            key = {"params": "n_params", "speed": "images_per_second"}[axis]
            points = {
                row["requested"]: (cheap * row[key], sign * row["scores"][metric]["value"])  # type: ignore[literal-required]
                for row in rows
            }
            front = {
                name
                for name, (x, y) in points.items()
                if not any(a >= x and b >= y and (a, b) != (x, y) for a, b in points.values())
            }
            said = browser.find_element(By.ID, "cost-front").text.rstrip(".").partition(": ")[2]
            assert set(said.split(", ")) == front


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_follows_the_scheme(
    browser: Any, tmp_path: Path, width: int, scheme: str
) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    try:
        open_page(browser, large_document(30, 3), tmp_path)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        lightness = sum(int(part) for part in re.findall(r"\d+", colour)[:3]) / 3
        assert (lightness < 128) is (scheme == "dark")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
