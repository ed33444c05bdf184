"""The report of a real study in a real browser: it works by mouse and by keyboard, alone, for everybody.

With ``EPUREDGM_SCREENSHOTS=folder`` the pictures of the page go there, else to a temporary folder; with
``EPUREDGM_REPORT=report.html`` they, and all tests, are of that report.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: pip install -e .[test]"
)
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed"
)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATH = next((found for name in BROWSERS if (found := shutil.which(name))), None)
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
TABS = "[role=tablist]"
PANELS = "tabs => tabs.map(tab => tab.getAttribute('aria-controls'))"


@pytest.fixture(scope="module")
def report(request: pytest.FixtureRequest) -> str:
    """The address of the page."""
    given = os.environ.get("EPUREDGM_REPORT")
    path = Path(given).resolve() if given else request.getfixturevalue("real_report")
    return str(path.as_uri())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if PATH is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the PATH (apt-get install chromium)")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=PATH, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Visit:
    """One page in a fresh context, and all that it asked for or complained about."""

    def __init__(self, browser: Any, report: str, **about: Any) -> None:
        self.context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **about})
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.goto(report)


@pytest.fixture
def visit(browser: Any, report: str) -> Iterator[Any]:
    made: list[Visit] = []

    def start(**about: Any) -> Visit:
        made.append(Visit(browser, report, **about))
        return made[-1]

    yield start
    for each in made:
        each.context.close()
        assert each.complaints == []
        outside = {address for address in each.requests if not address.startswith("data:")}
        assert outside == {report}  # the file itself, and nothing else


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("EPUREDGM_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def visible_panels(tablist: Any) -> list[str]:
    """Ids of the panels of one tab list that can be seen."""
    ids = tablist.locator("> [role=tab]").evaluate_all(
        "tabs => tabs.map(t => t.getAttribute('aria-controls'))"
    )
    return [each for each in ids if tablist.page.locator(f"#{each}").is_visible()]


def selected(tablist: Any) -> list[str]:
    return tablist.locator("> [aria-selected=true]").evaluate_all(
        "tabs => tabs.map(t => t.getAttribute('aria-controls'))"
    )


def column(table: Any, name: str) -> list[str]:
    """Sort keys of a column, from the top."""
    place = "table => [...table.tHead.rows[0].cells].findIndex(c => c.textContent.trim().startsWith({name}))"
    index = table.evaluate(place.replace("{name}", repr(name)))
    assert index >= 0
    keys = table.locator("tbody tr").evaluate_all(
        f"rows => rows.map(r => r.cells[{index}].dataset.key ?? null)"
    )
    return [str(key) for key in keys]


def test_a_table_is_sorted_by_click_and_by_keyboard(visit: Any) -> None:
    page = visit().page
    table = page.locator("#cost table")
    head = table.locator("th", has=page.get_by_role("button", name="Parameters"))
    button = head.get_by_role("button")
    assert head.get_attribute("aria-sort") == "none"
    button.click()
    rising = [float(each) for each in column(table, "Parameters")]
    assert head.get_attribute("aria-sort") == "ascending"
    assert rising == sorted(rising)
    button.focus()
    page.keyboard.press("Enter")
    falling = [float(each) for each in column(table, "Parameters")]
    assert head.get_attribute("aria-sort") == "descending"
    assert falling == sorted(rising, reverse=True) != rising
    family = table.locator("th", has=page.get_by_role("button", name="Family"))
    family.get_by_role("button").press("Space")
    assert family.get_attribute("aria-sort") == "ascending"
    assert head.get_attribute("aria-sort") == "none"  # one column at a time
    assert column(table, "Family") == sorted(column(table, "Family"))


def test_the_ranking_comes_in_its_order_and_says_so(visit: Any) -> None:
    page = visit().page
    table = page.locator("#rankings table").first
    rank = table.locator("th", has=page.get_by_role("button", name="Rank", exact=True))
    assert rank.get_attribute("aria-sort") == "ascending"
    ranks = [float(each) for each in column(table, "Rank")]
    assert ranks == sorted(ranks)


def test_tabs_switch_by_click_and_by_arrow_keys(visit: Any) -> None:
    page = visit().page
    tablist = page.locator(f"#designs {TABS}").first
    tabs = tablist.get_by_role("tab")
    count = tabs.count()
    assert count >= 3  # modes
    panels = tabs.evaluate_all(PANELS)
    assert visible_panels(tablist) == selected(tablist) == panels[:1]
    tabs.nth(1).click()
    assert visible_panels(tablist) == selected(tablist) == panels[1:2]
    for key, place in [
        ("ArrowRight", 2),
        ("End", count - 1),
        ("ArrowRight", 0),
        ("ArrowLeft", count - 1),
        ("Home", 0),
    ]:
        page.keyboard.press(key)
        assert visible_panels(tablist) == selected(tablist) == [panels[place]], key
        assert tabs.nth(place).evaluate("tab => tab === document.activeElement")
    stops = tabs.evaluate_all("tabs => tabs.filter(t => t.tabIndex === 0).length")
    assert stops == 1  # one stop for the tab key
    label = page.locator(f"#{panels[0]}").get_attribute("aria-labelledby")
    assert page.locator(f"#{label}").inner_text() == tabs.nth(0).inner_text()


def test_every_picture_decodes_and_is_crisp(visit: Any) -> None:
    page = visit().page
    sizes = page.evaluate(
        """async () => {
            const images = [...document.images];
            for (const each of images) each.loading = "eager";
            await Promise.all(images.map((each) => each.decode()));
            return images.map((each) => [each.naturalWidth, each.naturalHeight]);
        }"""
    )
    assert len(sizes) > 50
    assert {tuple(size) for size in sizes} == {(64, 64)}  # mirrored halves of 64 x 32
    assert page.locator("img").first.evaluate("e => getComputedStyle(e).imageRendering") == "pixelated"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_light_and_dark_wide_and_narrow(
    visit: Any, scheme: str, size: dict[str, int], screenshots: Path
) -> None:
    page = visit(viewport=size, color_scheme=scheme).page
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    levels = [int(each) for each in background.removeprefix("rgb(").removesuffix(")").split(",")]
    assert (max(levels) < 80) if scheme == "dark" else (min(levels) > 200)
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]  # no sideways scroll
    for tab in page.get_by_role("tab").all():  # nor in any panel
        if tab.is_visible():
            tab.click()
            assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    name = "phone" if size is PHONE else "desktop"
    page.goto(page.url.partition("#")[0])
    shade = "" if scheme == "light" else f"_{scheme}"
    page.screenshot(path=screenshots / f"report_{name}{shade}.png")
    page.screenshot(path=screenshots / f"report_{name}{shade}_whole.png", full_page=True)


def test_the_toggle_switches_and_remembers(visit: Any) -> None:
    page = visit(color_scheme="light").page
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Switch to dark colours").click()
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    assert page.evaluate(background) == dark
    page.get_by_role("button", name="Switch to light colours").click()
    assert page.evaluate(background) == light


def test_print_shows_every_panel_and_no_controls(visit: Any) -> None:
    page = visit(color_scheme="dark").page
    hidden = "all => all.filter(e => getComputedStyle(e).display === 'none').length"
    panels = page.locator(".panel")
    assert panels.evaluate_all(hidden) > 0
    page.emulate_media(media="print")
    assert panels.count() > 10 and panels.evaluate_all(hidden) == 0
    for control in (TABS, ".theme", ".contents"):
        assert not page.locator(control).first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_without_scripts_everything_is_there(visit: Any) -> None:
    page = visit(java_script_enabled=False).page
    panels = page.locator(".panel")
    assert panels.count() > 10
    assert all(panels.nth(k).is_visible() for k in range(panels.count()))
    assert page.locator(TABS).count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Any, scheme: str) -> None:
    page = visit(color_scheme=scheme).page
    page.evaluate("document.querySelectorAll('[role=tabpanel]').forEach(e => { e.hidden = false; })")
    found = axe.Axe().run(page).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    told = [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in grave]
    assert told == []
