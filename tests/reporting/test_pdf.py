"""The printed report: every chart on a page, none cut or on another, and the same bytes every time."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from epuredgm.reporting import pdf as report
from epuredgm.reporting.figures.panel import Panel
from epuredgm.reporting.sheets import pages
from epuredgm.reporting.sheets.grid import DesignRows, strip
from epuredgm.reporting.sheets.pages import ACROSS, FOOT, MARGIN, UP, Block, laid_out
from epuredgm.reporting.sheets.table import TableChart
from epuredgm.reporting.tables import Cell, Head, Table
from reporting.drawn_text import outside, words
from reporting.study_makers import study


@dataclass(frozen=True)
class Box:
    """A chart of a given height that draws nothing."""

    inches: float
    name: int = 0

    def height(self, width: float) -> float:
        return self.inches

    def draw(self, panel: Panel) -> None:
        pass


BLOCKS = st.lists(
    st.builds(
        Block,
        st.builds(Box, st.floats(0.1, UP - MARGIN - FOOT)),
        half=st.booleans(),
        keep=st.booleans(),
        fresh=st.booleans(),
    ),
    max_size=20,
)


@given(BLOCKS)
def test_every_chart_has_a_place_on_the_paper_that_no_other_has(blocks: list[Block]) -> None:
    blocks = [replace(block, chart=Box(block.chart.height(1), k)) for k, block in enumerate(blocks)]
    sheets = laid_out(blocks)
    assert [place.chart for sheet in sheets for place in sheet] == [block.chart for block in blocks]
    for sheet in sheets:
        for k, place in enumerate(sheet):
            assert place.left >= MARGIN and place.left + place.width <= ACROSS - MARGIN + 1e-9
            assert place.bottom >= FOOT - 1e-9 and place.bottom + place.height <= UP - MARGIN + 1e-9
            for other in sheet[:k]:
                apart = place.left >= other.left + other.width or other.left >= place.left + place.width
                assert apart or place.bottom + place.height <= other.bottom


def test_a_heading_is_on_the_page_of_what_it_heads() -> None:
    tall = Box(UP - MARGIN - FOOT - 0.5)
    (first, second) = laid_out([Block(Box(0.8)), Block(Box(0.3), keep=True), Block(tall)])
    assert [len(first), len(second)] == [1, 2]


def test_what_starts_a_page_does() -> None:
    assert [len(sheet) for sheet in laid_out([Block(Box(1)), Block(Box(1), fresh=True), Block(Box(1))])] == [
        1,
        2,
    ]


def test_halves_stand_side_by_side() -> None:
    (sheet,) = laid_out([Block(Box(2), half=True), Block(Box(1), half=True), Block(Box(1), half=True)])
    assert sheet[0].bottom + 2 == sheet[1].bottom + 1 and sheet[0].left < sheet[1].left
    assert sheet[2].left == sheet[0].left and sheet[2].bottom + 1 < sheet[0].bottom


# the document --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def document() -> bytes:
    return report.document(study())


def test_the_same_study_gives_the_same_bytes(document: bytes) -> None:
    assert report.document(study()) == document


def test_pages_are_a4_and_fonts_are_embedded(document: bytes) -> None:
    assert document.startswith(b"%PDF-") and document.rstrip().endswith(b"%%EOF")
    boxes = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", document)
    assert len(boxes) >= 5
    assert {(round(float(x)), round(float(y))) for x, y in boxes} == {(595, 842)}
    assert b"/FontFile2" in document and b"/Type3" not in document
    assert b"CreationDate" not in document and b"ModDate" not in document


def test_pages_are_numbered(document: bytes) -> None:
    count = len(re.findall(rb"/Type /Page\b[^s]", document))
    streams = [zlib.decompress(each) for each in _streams(document)]
    assert count >= 5 and any(b"BT" in each for each in streams)


def _streams(document: bytes) -> list[bytes]:
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL)
    return [each for each in found if each[:1] == b"\x78"]


@pytest.fixture(scope="module")
def sheets() -> list[Figure]:
    kept: list[Figure] = []

    def keep(blocks: list[Block], title: str, legend: dict[str, str], facts: dict[str, str]) -> bytes:
        kept.extend(pages.pages(blocks, title, legend))
        return b""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "pdf", keep)
        report.document(study(words="a thing went wrong"))
    return kept


def test_each_page_says_its_number_and_what_colours_mean(sheets: list[Figure]) -> None:
    labels = {component.label for component in study(words="a thing went wrong").spec.components}
    for number, sheet in enumerate(sheets, 1):
        assert {f"{number} / {len(sheets)}", *labels} <= set(words(sheet))


def test_everything_has_its_place(sheets: list[Figure]) -> None:
    said = "\n".join(word for sheet in sheets for word in words(sheet))
    made = study()
    for family in made.families:
        assert said.count(family.model) > 3
    for part in (
        "Who comes first",
        "Real designs",
        "generated",
        "+ row is better",
        "test design",
        "nearest train",
        "asked",
    ):
        assert part in said
    assert "a thing went wrong" in said


def test_no_text_leaves_the_paper(sheets: list[Figure]) -> None:
    assert [outside(sheet) for sheet in sheets] == [[]] * len(sheets)


def test_a_study_without_designs_is_printed_too() -> None:
    bare = study()
    families = tuple(replace(each, galleries=(), adherence=()) for each in bare.families)
    assert report.document(replace(bare, families=families, real=bare.real[:0])).startswith(b"%PDF-")


# pieces --------------------------------------------------------------------------------------------------


def test_a_strip_holds_each_design_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (3, 5, 4, 3), dtype=np.uint8)
    found = strip(pictures)[::4, ::4]
    gap = 2
    for k, picture in enumerate(pictures):
        assert (found[:5, k * (4 + gap) : k * (4 + gap) + 4] == picture).all()


def test_rows_of_designs_need_no_designs() -> None:
    figure = Figure()
    DesignRows([("none", np.zeros((0, 4, 4, 3), np.uint8))]).draw(Panel(figure, 0, 0, 5, 2))
    assert "none" in words(figure)


@pytest.mark.parametrize("columns", [2, 8, 60])
def test_a_table_is_as_wide_as_its_place_at_most_and_says_what_it_leaves_out(columns: int) -> None:
    heads = tuple(Head(f"head {k}", numeric=k > 0) for k in range(columns))
    rows = (tuple(Cell(f"{k}.123", "0.1 to 0.2") for k in range(columns)),)
    figure = Figure(figsize=(7, 2))
    TableChart(Table("t", heads, rows), {}).draw(Panel(figure, 0, 0, 7, 2))
    assert outside(figure) == []
    said = words(figure)
    everything = all(f"{k}.123" in said for k in range(columns)) and said.count("0.1 to 0.2") == columns
    assert everything != any("report.html" in word for word in said)
