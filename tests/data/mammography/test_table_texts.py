"""Tables of any text: rows or one error, never a traceback; no quote swallows rows; no cell is shown."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.core.errors import BadRequest, DataError
from epuredgm.data.cells import cells_of
from epuredgm.data.mammography.listing import densities_of
from epuredgm.data.mammography.metadata import read_rows
from epuredgm.data.mammography.patients import Asked

HEAD = "File Path,Image Laterality,View Position,Age,Cancer,False Positive"
LINE = r"normal\90000000000{}\left\CC\IM-{}.dcm,L,CC,58,0,0"

WORDS = st.sampled_from(
    [
        *HEAD.split(","),
        *(
            "path",
            "patient_id",
            "PatientID",
            "density",
            "",
            " ",
            "L",
            "CC",
            "58",
            "000Y",
            "0",
            "1",
            "nan",
            "x" * 50,
        ),
        *(
            r"normal\p_1\left\CC\a.dcm",
            "scans/p/a.png",
            "../a.dcm",
            "/etc/passwd",
            "C:\\a",
            "a.dcmLCC5800",
            "~",
        ),
        *("é", "\u2028", "\x0b", "\x1c", "𝟘", "٣", "\ufeff", '"', '""', "a\nb", "a\r\nb", "'", "=1+1", "\\"),
    ]
)
CELLS = WORDS | st.text(max_size=6) | WORDS.map(lambda word: f'"{word}"') | st.floats().map(str)
TEXTS = st.builds(
    lambda lines, separator, end: end.join(separator.join(cells) for cells in lines),
    st.lists(st.lists(CELLS, max_size=9), max_size=8),
    st.sampled_from([",", ";", "\t", "|", ", "]),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
)
HEADED = st.builds(
    lambda head, text: f"{head}\n{text}", st.sampled_from([HEAD, HEAD.replace(",", ";")]), TEXTS
)
CONTENTS = (
    st.builds(
        lambda text, encoding: text.encode(encoding, "replace"),
        TEXTS | HEADED,
        st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "utf-16", "cp1252"]),
    )
    | st.binary(max_size=60)
    | st.builds(
        lambda text, place: text.encode()[:place] + b"\0" + text.encode()[place:], HEADED, st.integers(0, 99)
    )
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
ASKED = st.sampled_from([Asked(), Asked(column="patient_id"), Asked(column="é"), Asked(path="{patient}/**")])


@given(content=CONTENTS, asked=ASKED)
def test_any_table_is_read_or_refused(
    content: bytes, asked: Asked, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = tmp_path_factory.getbasetemp() / "any.csv"
    table.write_bytes(content)
    for read in (
        lambda: read_rows(table, asked=asked),
        lambda: densities_of("screening", table.parent, table.name),
    ):
        try:
            found = read()
        except (BadRequest, DataError) as refusal:
            assert "\n" in str(refusal) and "Traceback" not in str(refusal)
        else:
            assert all(value is not None for value in found)


@given(
    rows=st.integers(2, 8),
    places=st.lists(st.integers(0, 999), min_size=1, max_size=3, unique=True),
    end=st.sampled_from(["\n", "\r\n"]),
    separator=st.sampled_from([",", ";"]),
)
def test_stray_quotes_swallow_no_row(
    rows: int, places: list[int], end: str, separator: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Quotes anywhere: every row is read, or the table is refused; none of them is gone."""
    table = tmp_path_factory.getbasetemp() / "quotes.csv"
    lines = [LINE.format(row, row).replace(",", separator) for row in range(rows)]
    body = end.join(lines)
    for place in sorted((place % (len(body) + 1) for place in places), reverse=True):
        body = f'{body[:place]}"{body[place:]}'
    table.write_bytes(f"{HEAD.replace(',', separator)}{end}{body}".encode())
    try:
        found = read_rows(table)
    except DataError as refusal:
        assert "90000000000" not in str(refusal)
        assert re.search(r"row \d+: a quote is not closed", str(refusal))
        return
    assert [row.number for row in found] == list(range(2, rows + 2))


@given(
    rows=st.lists(st.lists(TEXT, min_size=3, max_size=3)),
    separator=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_writer_of_csv_writes_is_read_back(
    rows: list[list[str]], separator: str, end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also cells with line breaks, unless they look like rows."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([["one", "two", "three"], *rows])
    table = tmp_path_factory.getbasetemp() / "written.csv"
    table.write_text(text.getvalue(), newline="", encoding="utf-8")
    breaks = [cell for row in rows for cell in row if re.search("[\r\n]", cell)]
    if any(cell.count(separator) >= 2 for cell in breaks):
        return
    expected = [[*row] for row in rows if any(cell.strip() for cell in row)]
    assert [cells for _, cells in cells_of(table, "")][1:] == expected


@pytest.mark.parametrize(
    "changes",
    [
        {1: '"{}', 3: '{}"'},  # legal CSV: one cell over all
        {1: '"{}'},
        {4: '"{}'},  # the last row
        {0: '{},"', 2: '"{}'},
        {0: '{},"a', 2: '{},a"'},  # legal too, with as many cells as columns
        {0: '{},"', 1: '{},"'},
    ],
)
def test_a_pair_of_quotes_swallows_no_row_even_if_it_is_legal(
    changes: dict[int, str], tmp_path: Path
) -> None:
    lines = [changes.get(row, "{}").format(LINE.format(row, row)) for row in range(5)]
    (tmp_path / "table.csv").write_text("\n".join([HEAD + ",note", *lines]))
    with pytest.raises(DataError, match="a quote is not closed"):
        read_rows(tmp_path / "table.csv")


def test_a_column_twice_is_refused_unless_nobody_needs_it(tmp_path: Path) -> None:
    for extra, refused in (("Age", True), ("note,note", False)):
        (tmp_path / "table.csv").write_text(f"{HEAD},{extra}\n{LINE.format(1, 1)},5,6\n")
        if refused:
            with pytest.raises(DataError, match="more than one column"):
                read_rows(tmp_path / "table.csv")
        else:
            assert len(read_rows(tmp_path / "table.csv")) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HEAD.encode("utf-16"), "UTF-16"),
        (f"{HEAD}\nnormal/é".encode("latin-1"), "not in UTF-8"),
        (HEAD.encode() + b"\0", "bytes of 0"),
        (b"PK\x03\x04", "workbook"),
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\n\r\n", "empty"),
    ],
)
def test_why_a_file_is_no_table(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_rows(tmp_path / "table.csv")
