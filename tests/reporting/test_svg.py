"""Figures in a page: valid, self-contained, the same bytes every time, and no two with a name in common."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from epuredgm.reporting.figures import Chart, Row, metric_chart, svg
from epuredgm.reporting.figures.panel import INK, WIDTH
from epuredgm.reporting.palette import family_colors

SVG = "{http://www.w3.org/2000/svg}"


def figure(title: str = "Centres", value: float = 1.0) -> Chart:
    rows = [Row("a<b>&$c$", value, 0.5, 2.0), Row("d", 2.0, 1.5, 3.0)]
    return metric_chart(title, "px", "lower", rows, 0.1, 0.05, family_colors(["a<b>&$c$", "d"]))


@pytest.fixture(scope="module")
def drawing() -> str:
    return svg(figure(), "A <title> & more", "A description")


def test_the_same_figure_gives_the_same_bytes(drawing: str) -> None:
    assert svg(figure(), "A <title> & more", "A description") == drawing


def test_another_process_gives_the_same_bytes_at_its_first_and_its_second_drawing(drawing: str) -> None:
    code = (
        "import hashlib; from reporting.test_svg import figure, svg\n"
        "for _ in range(2): print(hashlib.sha256(svg(figure(), 'A <title> & more', 'A description').encode())"
        ".hexdigest())"
    )
    folders = [str(Path(__file__).parent.parent), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == [hashlib.sha256(drawing.encode()).hexdigest()] * 2, done.stderr


def test_drawing_a_figure_twice_changes_nothing() -> None:
    one = figure()
    assert svg(one, "t", "d") == svg(one, "t", "d")


def test_people_who_do_not_see_it_are_told(drawing: str) -> None:
    root = ElementTree.fromstring(drawing)
    assert root.tag == f"{SVG}svg" and root.get("role") == "img"
    names = (root.get("aria-labelledby") or "").split()
    told = [child.text for name in names for child in root if child.get("id") == name]
    assert told == ["A <title> & more", "A description"]
    assert root[0].tag == f"{SVG}title"


def test_it_is_as_wide_as_its_place(drawing: str) -> None:
    root = ElementTree.fromstring(drawing)
    left, top, width, height = (float(number) for number in (root.get("viewBox") or "").split())
    assert (left, top) == (0, 0) and width == pytest.approx(WIDTH * 72) and height > 50
    assert root.get("width") == "100%" and root.get("height") is None


def test_text_is_text_in_the_font_of_the_page(drawing: str) -> None:
    words = ["".join(text.itertext()) for text in ElementTree.fromstring(drawing).iter(f"{SVG}text")]
    assert {"Centres", "a<b>&$c$", "d", "real designs", "px · ← lower is better"} <= set(words)
    assert "font:" not in drawing and "font-family" not in drawing and "DejaVu" not in drawing


def test_ink_is_the_text_colour_of_the_page(drawing: str) -> None:
    assert INK not in drawing and "currentColor" in drawing
    for text in ElementTree.fromstring(drawing).iter(f"{SVG}text"):
        assert "currentColor" in (text.get("style") or "")
    fills = set(re.findall(r"fill: (#\w+|\w+)", drawing))
    assert fills <= {"none", "currentColor", *family_colors(["a<b>&$c$", "d"]).values()}


def test_nothing_leaves_the_page_and_nothing_rules_it(drawing: str) -> None:
    root = ElementTree.fromstring(drawing)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert not tags & {"script", "style", "metadata", "image", "foreignObject", "a"}
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert "//" not in value and "@import" not in value
            assert name != "href" or value.startswith("#")


def _ids(text: str) -> list[str]:
    return [element.attrib["id"] for element in ElementTree.fromstring(text).iter() if "id" in element.attrib]


@pytest.mark.parametrize("other", [svg(figure(value=1.01), "t", "d"), svg(figure(), "another title", "d")])
def test_two_figures_of_a_page_share_no_name(other: str) -> None:
    names = _ids(svg(figure(), "t", "d")) + _ids(other)
    assert len(set(names)) == len(names)


def test_whatever_is_referred_to_is_there(drawing: str) -> None:
    referred = set(re.findall(r'href="#([^"]+)"', drawing)) | set(re.findall(r"url\(#([^)]+)\)", drawing))
    assert referred and referred <= set(_ids(drawing))


def test_no_date_and_no_program_is_in_it(drawing: str) -> None:
    assert not re.search(r"\d{4}-\d{2}-\d{2}|matplotlib|Created", drawing, re.IGNORECASE)
