"""Component folders: what is read is what is there, and every fault is named at once."""

from __future__ import annotations

import io
import os
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from data_makers import TWO, Stopping, edit_table, reader, with_conditions, write_gears
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from epuredgm.core.errors import BadRequest, CorruptArtefact, DataError, Interrupted
from epuredgm.core.monitor import SILENT
from epuredgm.core.spec import DataSpec
from epuredgm.data import folders
from epuredgm.data.pictures import UnreadablePicture, decode, decode_mask, encode
from epuredgm.data.tables import TableFormat, read_table


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_gears(tmp_path / "gears")
    return tmp_path / "gears"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def faults_of(root: Path, cache: Path, spec: DataSpec = TWO, **changed: object) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        reader(root, spec, **changed).prepare(cache, SILENT)
    assert not cache.exists() or not any(path.is_dir() for path in cache.iterdir())
    return caught.value.faults


def picture(root: Path, name: str = "g0", component: str = "hub", split: str = "train") -> Path:
    return root / split / component / f"{name}-{component}.view.png"


# what is read ------------------------------------------------------------------------------------------


def test_designs_ids_splits_and_conditions(tmp_path: Path, cache: Path) -> None:
    written = write_gears(tmp_path / "gears", 7)
    source = reader(tmp_path / "gears")
    designs = source.load(source.prepare(cache, SILENT))
    assert (designs.images == written).all() and designs.images.dtype == np.uint8
    assert isinstance(designs.images, np.memmap)
    assert designs.ids.tolist() == [f"g{row}" for row in range(7)]
    assert designs.train.tolist() == [True, True, False, True, True, False, True]
    assert designs.conditions.tolist() == [[row * 1.5] for row in range(7)]


@pytest.mark.parametrize(
    "column",
    [
        "train,1,1,0,1,1,0",
        "train,1.0,1.0,0.0,1.0,1.0,0.0",
        "train,True,TRUE,false,true,True,False",
        "fold,train,train,test,Train,train,test",
        "test,0,0,1,0,0,1",
        "test,False,False,True,False,False,True",
    ],
)
def test_split_columns(root: Path, cache: Path, column: str) -> None:
    name, *values = column.split(",")
    lines = [f"part,{name},teeth"] + [f"g{row},{value},1" for row, value in enumerate(values)]
    (root / "list.csv").write_text("\n".join(lines) + "\n")
    source = reader(root, split_column=name)
    assert source.load(source.prepare(cache, SILENT)).train.tolist() == [True, True, False, True, True, False]


def test_ids_like_numbers_and_na_stay_text(root: Path, cache: Path) -> None:
    for old, new in (("g0", "007"), ("g1", "NA")):
        edit_table(root, f"{old},", f"{new},")
        for component in TWO.component_names:
            picture(root, old, component).rename(picture(root, new, component))
    source = reader(root)
    assert source.load(source.prepare(cache, SILENT)).ids[:2].tolist() == ["007", "NA"]


def test_prefix_case(root: Path, cache: Path) -> None:
    edit_table(root, "g1,", "G1,")
    source = reader(root, prefix_case="lower")
    assert source.load(source.prepare(cache, SILENT)).ids[1] == "G1"
    assert "upper and lower case count" in faults_of(root, cache / "other")[0]
    with pytest.raises(BadRequest, match="lower, upper, keep"):
        reader(root, prefix_case="title")


def test_grey_values_stay_and_binary_values_are_cut_above_128(root: Path, cache: Path) -> None:
    ramp = np.arange(240, dtype=np.uint8).reshape(12, 20)
    picture(root).write_bytes(encode(ramp))
    grey = reader(root, replace(TWO, values="grey"))
    assert (grey.load(grey.prepare(cache, SILENT)).images[0, 1] == ramp).all()
    cut = reader(root)
    assert (cut.load(cut.prepare(cache, SILENT)).images[0, 1] == (ramp > 128)).all()


def test_rows_in_neither_split_are_left_out_with_a_note(root: Path, cache: Path) -> None:
    edit_table(root, "g0,True,False", "g0,False,False")
    picture(root).unlink()
    monitor = Stopping()
    source = reader(root)
    assert source.load(source.prepare(cache, monitor)).ids[0] == "g1"
    assert any("1 rows are in neither split" in note for note in monitor.notes)
    assert any("1 files are not named" in note for note in monitor.notes)


def test_other_condition_sets_need_no_second_decoding(root: Path, cache: Path) -> None:
    entry = reader(root).prepare(cache, SILENT)
    both = reader(root, with_conditions("mass", "teeth"))
    assert both.prepare(cache, SILENT) == entry
    assert both.load(entry).conditions.shape == (6, 2)
    none = reader(root, with_conditions())
    assert none.load(none.prepare(cache, SILENT)).conditions.shape == (6, 0)
    with pytest.raises(DataError, match="no column 'maker'"):
        reader(root, with_conditions("maker")).load(entry)


def test_root_and_table_elsewhere(root: Path, cache: Path, tmp_path: Path) -> None:
    table = (root / "list.csv").rename(tmp_path / "elsewhere.csv")
    absolute = reader(tmp_path / "nowhere", root=str(root), table=str(table))
    relative = reader(tmp_path, root="gears", table=str(table))
    assert absolute.prepare(cache, SILENT) == relative.prepare(cache, SILENT)


# the cache ---------------------------------------------------------------------------------------------


def test_unchanged_files_are_not_read_again(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = reader(root).prepare(cache, SILENT)
    monkeypatch.setattr(folders, "_hash_all", lambda *_: pytest.fail("read again"))
    assert reader(root).prepare(cache, SILENT) == entry


def test_the_key_is_the_content(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = reader(root).prepare(cache, SILENT)
    before = (entry / "images.npy").stat().st_mtime_ns
    os.utime(picture(root), ns=(1, 1))
    assert reader(root).prepare(cache, SILENT) == entry
    assert (entry / "images.npy").stat().st_mtime_ns == before
    picture(root).write_bytes(encode(np.zeros((12, 20), dtype=np.uint8)))
    changed = reader(root).prepare(cache, SILENT)
    assert changed != entry
    assert not reader(root).load(changed).images[0, 1].any()


def test_a_damaged_entry_is_refused_and_made_again(root: Path, cache: Path) -> None:
    entry = reader(root).prepare(cache, SILENT)
    content = (entry / "images.npy").read_bytes()
    (entry / "images.npy").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CorruptArtefact):
        reader(root).load(entry)
    assert reader(root).prepare(cache, SILENT) == entry
    assert (entry / "images.npy").read_bytes() == content


def test_a_stop_or_a_death_leaves_nothing(root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Interrupted):
        reader(root).prepare(cache, Stopping(stop=True))
    monkeypatch.setattr(folders, "write_arrays", lambda *_: (_ for _ in ()).throw(MemoryError))
    with pytest.raises(MemoryError):
        reader(root).prepare(cache, SILENT)
    assert not cache.exists() or list(cache.iterdir()) == []


# faults, one by one ------------------------------------------------------------------------------------


def test_missing_root_and_table(root: Path, cache: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"does not exist\n.*dataset.root"):
        reader(tmp_path / "nowhere").prepare(cache, SILENT)
    with pytest.raises(BadRequest, match=r"table=list\.csv"):
        reader(root, table="lists.csv").prepare(cache, SILENT)


def test_missing_file_and_folder(root: Path, cache: Path) -> None:
    picture(root).unlink()
    assert faults_of(root, cache) == ("list.csv row 2: missing file train/hub/g0-hub.view.png",)
    for file in (root / "test" / "ring").iterdir():
        file.unlink()
    assert "missing or empty folder test/ring" in faults_of(root, cache)


def test_wrong_size_and_unreadable_pictures(root: Path, cache: Path) -> None:
    picture(root, "g0").write_bytes(encode(np.zeros((20, 12), dtype=np.uint8)))
    picture(root, "g1").write_bytes(b"")
    picture(root, "g3").write_bytes(b"GIF89a no picture at all")
    picture(root, "g4").write_bytes(picture(root, "g4").read_bytes()[:40])
    faults = faults_of(root, cache)
    assert len(faults) == 4
    assert "row 2: train/hub/g0-hub.view.png is 20 x 12 (height x width), not 12 x 20" in faults[0]
    assert "row 3: train/hub/g1-hub.view.png is not a readable PNG (the file is empty)" in faults[1]
    assert "row 5" in faults[2] and "is a GIF picture, not a PNG" in faults[2]
    assert "row 6" in faults[3] and "not a readable PNG" in faults[3]


def test_a_flipped_bit_among_the_pixels_is_found_wherever_it_is(root: Path, cache: Path) -> None:
    whole = picture(root).read_bytes()
    start = whole.index(b"IDAT") + 4
    stop = start + int.from_bytes(whole[start - 8 : start - 4], "big")
    for place in range(start, stop):
        with pytest.raises(UnreadablePicture, match="not a readable PNG"):
            decode(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :], 12, 20)


def test_a_picture_of_absurd_size_is_not_decoded(root: Path, cache: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )
    picture(root).write_bytes(bomb)
    (fault,) = faults_of(root, cache)
    assert "row 2" in fault


def test_unknown_columns_name_their_neighbours(root: Path, cache: Path) -> None:
    edit_table(root, "part,train,test,teeth", "parts,train,test,teeths")
    assert faults_of(root, cache) == (
        "list.csv: no column 'part'; did you mean 'parts'?",
        "list.csv: no column 'teeth'; did you mean 'teeths'?",
    )


@pytest.mark.parametrize("header", ["teeth,part,train,test,teeth", " teeth ,part,train,test,teeth"])
def test_a_used_column_that_is_there_twice_is_refused(root: Path, cache: Path, header: str) -> None:
    lines = (root / "list.csv").read_text().splitlines()
    rows = [f"0,{line.rsplit(',', 2)[0]}" for line in lines[1:]]
    (root / "list.csv").write_text("\n".join([header, *rows]))
    assert faults_of(root, cache) == ("list.csv: more than one column 'teeth'",)


def test_an_unused_column_may_be_there_twice_or_without_a_name(root: Path, cache: Path) -> None:
    lines = (root / "list.csv").read_text().splitlines()
    (root / "list.csv").write_text("\n".join([f"{lines[0]},mass,,", *(f"{line},7,," for line in lines[1:])]))
    source = reader(root, with_conditions("mass"))
    assert "more than one column 'mass'" in faults_of(root, cache, with_conditions("mass"))[0]
    source = reader(root)
    assert len(source.load(source.prepare(cache, SILENT))) == 6


def test_blank_rows_are_left_out_and_counted_as_a_spreadsheet_counts(root: Path, cache: Path) -> None:
    text = (root / "list.csv").read_text()
    (root / "list.csv").write_text(text.replace("g1,", "\n,,,,,\ng1,") + "\n,,,,,\n\n")
    source = reader(root)
    assert len(source.load(source.prepare(cache, SILENT))) == 6
    edit_table(root, "g1,True,False,1.5", "g1,True,False,")
    (fault,) = faults_of(root, cache / "other")
    assert fault.startswith("list.csv row 5: teeth has no value")


def test_semicolons_are_recognised(root: Path, cache: Path) -> None:
    (root / "list.csv").write_text((root / "list.csv").read_text().replace(",", ";"))
    assert any("separated by commas" in fault for fault in faults_of(root, cache))


@pytest.mark.parametrize("value", ["", "nan", "NA", "inf"])
def test_a_gap_in_a_used_column(root: Path, cache: Path, value: str) -> None:
    edit_table(root, "g3,True,False,4.5", f"g3,True,False,{value}")
    (fault,) = faults_of(root, cache)
    assert fault.startswith("list.csv row 5: teeth") and "NaN or infinite" in fault
    unused = reader(root, with_conditions())
    assert len(unused.load(unused.prepare(cache, SILENT))) == 6


def test_a_word_where_a_number_belongs(root: Path, cache: Path) -> None:
    edit_table(root, "g3,True,False,4.5", 'g3,True,False,"4,5"')
    assert faults_of(root, cache) == ("list.csv row 5: teeth is '4,5', not a number",)


def test_duplicate_and_empty_ids(root: Path, cache: Path) -> None:
    edit_table(root, "g1,", "g0,")
    edit_table(root, "g4,", " ,")
    faults = faults_of(root, cache)
    assert "list.csv row 3: duplicate id 'g0', first in row 2" in faults
    assert "list.csv row 6: the id is empty" in faults


def test_ids_equal_but_for_case_are_duplicates_where_case_is_dropped(root: Path, cache: Path) -> None:
    edit_table(root, "g1,", "G0,")
    assert "list.csv row 3: duplicate id 'G0', first in row 2" in faults_of(root, cache, prefix_case="lower")


@pytest.mark.parametrize("identity", ["../../etc/passwd", "..\\up", "/etc/passwd", "..", "c:x", "a\x07b"])
def test_an_id_never_leaves_the_root(root: Path, cache: Path, identity: str) -> None:
    edit_table(root, "g1,", f"{identity},")
    faults = faults_of(root, cache, pattern="{prefix}-hub.view.png")
    assert any("row 3" in fault and "cannot be part of a file name" in fault for fault in faults)


@pytest.mark.parametrize("pattern", ["picture.png", "../{prefix}.png", "a\\{prefix}.png"])
def test_a_pattern_is_a_file_name(root: Path, pattern: str) -> None:
    with pytest.raises(BadRequest, match="pattern"):
        reader(root, pattern=pattern)


def test_splits(root: Path, cache: Path) -> None:
    text = (root / "list.csv").read_text()
    (root / "list.csv").write_text(text.replace("g0,True,False", "g0,maybe,False"))
    assert "row 2: train is 'maybe'" in faults_of(root, cache)[0]
    (root / "list.csv").write_text(text.replace("g0,True,False", "g0,True,True"))
    assert "row 2: in both splits" in faults_of(root, cache)[0]
    (root / "list.csv").write_text(
        "".join(line for line in text.splitlines(True) if "False,True" not in line)
    )
    assert faults_of(root, cache) == ("list.csv: the test split is empty",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"part,train,teeth\n\xff\xfe\xfa,1,2\n",
        b"part,train,teeth\ng0,True,1,2,3\n",
        b"part,train,teeth\ng0,True,1\ng1,True,1,2,3\n",
        b'part,train,teeth\n"g0,True,1\n',
    ],
)
def test_unreadable_tables(root: Path, cache: Path, content: bytes) -> None:
    (root / "list.csv").write_bytes(content)
    (fault,) = faults_of(root, cache)
    assert "not a readable CSV" in fault


def test_all_faults_at_once(root: Path, cache: Path) -> None:
    picture(root, "g0").unlink()
    picture(root, "g1").write_bytes(b"broken")
    edit_table(root, "g3,True,False,4.5", "g3,True,False,")
    edit_table(root, "g4,", "g0,")
    faults = "\n".join(faults_of(root, cache, with_conditions("teeth", "weight")))
    for part in (
        "missing file train/hub/g0",
        "g1-hub.view.png is not",
        "teeth has no value",
        "duplicate id",
        "'weight'",
    ):
        assert part in faults


def test_a_file_that_changes_while_it_is_read(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = folders.decode_mask

    def late(content: bytes, height: int, width: int) -> tuple[np.ndarray, bool]:
        os.utime(picture(root), ns=(5, 5))
        return decode(content, height, width)

    monkeypatch.setattr(folders, "decode_mask", late)
    assert faults_of(root, cache) == ("the pictures changed while they were read",)


def test_overlap_is_a_fault_where_the_data_set_says_that_there_is_none(root: Path, cache: Path) -> None:
    source = reader(root)
    source.prepare(cache, SILENT)  # what another declaration let pass must not be found in the cache
    with pytest.raises(DataError, match="exclusive is true") as caught:
        reader(root, replace(TWO, exclusive=True)).prepare(cache, SILENT)
    shared = write_gears(root).all(axis=1).sum(axis=(1, 2))
    assert [fault.split(": ")[1].split()[0] for fault in caught.value.faults] == [str(n) for n in shared]


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_declared_component_is_drawn_in_each_split_or_optional(root: Path, cache: Path, split: str) -> None:
    for file in root.glob(f"{split}/hub/*.png"):
        file.write_bytes(encode(np.zeros((12, 20), dtype=np.uint8)))
    count = len(list((root / split / "hub").iterdir()))
    assert faults_of(root, cache) == (
        f"hub is empty in every {split} design ({count}): its pictures are blank "
        "(say optional: true under dataset.components.hub if that is meant)",
    )
    optional = replace(TWO, components=(TWO.components[0], replace(TWO.components[1], optional=True)))
    source = reader(root, optional)
    made = source.prepare(cache, SILENT)
    assert len(source.load(made)) == 6
    # what another declaration let pass is not found in the cache
    with pytest.raises(DataError, match="hub is empty"):
        reader(root).prepare(cache, SILENT)


@pytest.mark.parametrize("rows", [["g2", "g5"], ["g1"]], ids=["the whole test split", "one of six"])
def test_ink_lost_in_part_of_the_pictures_is_a_fault_of_each(
    root: Path, cache: Path, rows: list[str]
) -> None:
    for number, content in enumerate(lost().values()):
        for name in rows:
            split = "test" if name in ("g2", "g5") else "train"
            picture(root, name, split=split).write_bytes(content)
        faults = faults_of(root, cache / str(number))
        assert len(faults) == len(rows)
        for name, fault in zip(rows, faults, strict=True):
            assert (
                f"row {int(name[1]) + 2}: " in fault and f"{name}-hub.view.png has something drawn" in fault
            )


def test_notes_of_faint_and_of_inverted_masks(root: Path, cache: Path) -> None:
    faint = np.full((12, 20), 100, dtype=np.uint8)
    faint[0, 0] = 255
    picture(root).write_bytes(encode(faint))
    for file in root.glob("*/ring/*.png"):
        file.write_bytes(encode(np.where(np.arange(240).reshape(12, 20) < 30, 0, 255).astype(np.uint8)))
    monitor = Stopping()
    reader(root).prepare(cache, monitor)
    assert monitor.notes == [
        "gears: in 1 pictures most of what is drawn is at or below grey level 128",
        "gears: ring covers 88% of the pictures on average: are masks black on white? Inside must be white",
    ]


# grey pictures -----------------------------------------------------------------------------------------

GREY = replace(TWO, values="grey")


def write_deep(root: Path, bits: int) -> np.ndarray:
    """All pictures as 16-bit PNG whose values use ``bits`` bits; returns the values (6, 2, 12, 20)."""
    values = np.random.default_rng(5).integers(0, 2**bits, (6, 2, 12, 20)).astype(np.uint16)
    for row in range(6):
        for k, name in enumerate(TWO.component_names):
            picture(root, f"g{row}", name, "test" if row % 3 == 2 else "train").write_bytes(
                encode(values[row, k])
            )
    return values


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("used", [8, 10, 12])
def test_deep_pictures_that_use_part_of_their_range_are_refused_until_it_is_said(
    root: Path, cache: Path, used: int, bits: int
) -> None:
    values = write_deep(root, used)
    spec = replace(GREY, bits=bits)
    faults = faults_of(root, cache, spec)
    assert all("has something drawn, but nothing is left" in each for each in faults) or (
        len(faults) == 1 and "nearly black" in faults[0] and "dataset.reader.bits" in faults[0]
    )
    source = reader(root, spec, bits=used)
    images = source.load(source.prepare(cache, SILENT)).images
    assert images.dtype == spec.dtype
    assert np.abs(images / spec.levels - values / (2**used - 1)).max() <= 1 / spec.levels
    beyond = faults_of(root, cache / "beyond", spec, bits=used - 1)
    assert len(beyond) == 12 and all(f"beyond {used - 1} bits" in fault for fault in beyond)


def test_sixteen_bits_stay_sixteen_bits_and_eight_are_spread_over_them(root: Path, cache: Path) -> None:
    values = write_deep(root, 16)
    shallow = np.arange(240, dtype=np.uint8).reshape(12, 20)
    picture(root).write_bytes(encode(shallow))
    source = reader(root, replace(GREY, bits=16))
    images = source.load(source.prepare(cache, SILENT)).images
    assert (images[0, 1] == shallow.astype(np.uint16) * 257).all() and (images[1:] == values[1:]).all()


@pytest.mark.parametrize("bits", [0, 17, -1])
def test_impossible_bits(root: Path, bits: int) -> None:
    with pytest.raises(BadRequest, match="from 1 to 16"):
        reader(root, GREY, bits=bits)


# other people's tables, files and folders ---------------------------------------------------------------


@pytest.mark.parametrize(
    "number", ["4_5", "1_000.5", "\u0664\u0665", "\uff14", "0x10", "4,5", "1e", ".", "+"]
)
def test_what_python_reads_as_a_number_and_people_do_not(root: Path, cache: Path, number: str) -> None:
    edit_table(root, "g3,True,False,4.5", f'g3,True,False,"{number}"')
    assert faults_of(root, cache) == (f"list.csv row 5: teeth is {number!r}, not a number",)


@pytest.mark.parametrize("number", ["4.5", " 4.5 ", "+4.5", "4.50", "45e-1", "4.5E0", "0004.5"])
def test_forms_of_a_number(root: Path, cache: Path, number: str) -> None:
    edit_table(root, "g3,True,False,4.5", f"g3,True,False,{number}")
    source = reader(root)
    assert source.load(source.prepare(cache, SILENT)).conditions[3] == 4.5


@pytest.mark.parametrize(
    ("first", "second"), [(1, 2), (1, 3), (0, 5)], ids=["next row", "two rows on", "first and last"]
)
@pytest.mark.parametrize("column", range(6))
def test_stray_quotes_swallow_no_rows(root: Path, cache: Path, column: int, first: int, second: int) -> None:
    lines = (root / "list.csv").read_text().splitlines()
    opened, closed = lines[first + 1].split(","), lines[second + 1].split(",")
    opened[column] = '"' + opened[column]
    closed[column] = closed[column] + '"'
    lines[first + 1], lines[second + 1] = ",".join(opened), ",".join(closed)
    (root / "list.csv").write_text("\n".join(lines) + "\n")
    faults = faults_of(root, cache)
    assert f"row {first + 2}: a quote is not closed, or stands alone" in faults[0]


def test_a_line_break_within_quotes_is_csv(root: Path, cache: Path) -> None:
    edit_table(root, ",m1\n", ',"made by\r\nm1, in ""A"""\n')
    source = reader(root)
    assert len(source.load(source.prepare(cache, SILENT))) == 6


STRANGE = st.text(st.sampled_from('",;\t\n\r\0\ufeff g1tp.\u00e9\ud800'), max_size=60)


@given(text=STRANGE | st.binary(max_size=60))
def test_no_table_gives_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "strange.csv"
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    path.write_bytes(b"part,train,teeth\n" * (len(content) % 2) + content)
    faults: list[str] = []
    table = read_table(path, TableFormat("part", "train", "keep"), ("teeth",), faults)
    assert faults or table is not None  # two rows at least would be needed for both splits
    assert all(fault.startswith("strange.csv") for fault in faults)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG picture"),
        (b"II*\0" + bytes(40), "a TIFF picture"),
        (b"P5\n20 12\n255\n" + bytes(240), "a PGM picture"),
        (bytes(128) + b"DICM", "a DICOM file"),
        (b"\x93NUMPY\x01\0", "a NumPy array"),
        (b"version https://git-lfs.example/spec/v1\noid", "a Git LFS pointer"),
        (b"<!DOCTYPE html>", "an HTML or XML text"),
    ],
)
def test_other_files_are_called_by_their_names(root: Path, cache: Path, content: bytes, kind: str) -> None:
    picture(root).write_bytes(content)
    (fault,) = faults_of(root, cache)
    assert f"train/hub/g0-hub.view.png is {kind}" in fault and fault.endswith("not a PNG")


def test_another_ending_is_named(root: Path, cache: Path) -> None:
    picture(root).rename(picture(root).with_suffix(".jpg"))
    assert "there is g0-hub.view.jpg: pictures must be PNG" in "".join(faults_of(root, cache))


def test_pictures_in_a_folder_of_their_own_beside_the_table(root: Path, cache: Path) -> None:
    plain = reader(root).prepare(cache / "plain", SILENT)
    (root / "images").mkdir()
    for split in ("train", "test"):
        (root / split).rename(root / "images" / split)
    assert reader(root).prepare(cache / "beside", SILENT).name == plain.name


def test_a_stray_file_whose_name_is_not_utf8(root: Path, cache: Path) -> None:
    before = reader(root).prepare(cache, SILENT)
    Path(os.fsdecode(os.fsencode(root / "train" / "hub") + b"/\xff\xfe.png")).write_bytes(b"stray")
    assert reader(root).prepare(cache, SILENT) == before


def test_a_missing_file_names_the_one_that_looks_the_same(root: Path, cache: Path) -> None:
    edit_table(root, "g0,", "\u00e9,")
    picture(root).rename(picture(root, "e\u0301"))
    assert "there is e\u0301-hub.view.png: upper and lower case count" in "".join(faults_of(root, cache))


# kinds of PNG ------------------------------------------------------------------------------------------

MASK = np.random.default_rng(1).integers(0, 2, (12, 20)).astype(np.uint8)


def as_png(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", **options)
    return buffer.getvalue()


def kinds() -> dict[str, bytes]:
    grey = Image.fromarray(MASK * np.uint8(255))
    hidden = np.dstack([np.full((12, 20, 3), 255, dtype=np.uint8), MASK * np.uint8(255)])
    opaque = np.dstack(
        [np.repeat((MASK * np.uint8(255))[:, :, None], 3, axis=2), np.full((12, 20), 255, np.uint8)]
    )
    return {
        "grey": as_png(grey),
        "one bit": as_png(grey.convert("1")),
        "RGB": as_png(grey.convert("RGB")),
        "RGBA": as_png(Image.fromarray(opaque)),
        "white behind transparency": as_png(Image.fromarray(hidden)),
        "grey and alpha": as_png(Image.fromarray(opaque).convert("LA")),
        "palette": as_png(grey.convert("P")),
        "sixteen bits": as_png(Image.fromarray(MASK.astype(np.uint16) * np.uint16(65535))),
        "transparent sixteen-bit grey level": as_png(
            Image.fromarray(np.where(MASK, 65535, 40000).astype(np.uint16)), transparency=40000
        ),
        "transparent grey level": as_png(
            Image.fromarray(np.where(MASK, 255, 200).astype(np.uint8)), transparency=200
        ),
    }


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_png_gives_the_same_mask(root: Path, cache: Path, kind: str) -> None:
    picture(root).write_bytes(kinds()[kind])
    source = reader(root)
    assert (source.load(source.prepare(cache, SILENT)).images[0, 1] == MASK).all()


# kinds of PNG in which a mask gets lost ------------------------------------------------------------------


def lost() -> dict[str, bytes]:
    """The mask in forms whose grey levels are all at most 128."""
    indexed = Image.fromarray(MASK, mode="P")
    indexed.putpalette([0, 0, 0, 128, 0, 0])
    dark_palette = as_png(indexed)
    indexed.putpalette([0, 0, 0, 0, 0, 0])
    blue = np.zeros((12, 20, 3), dtype=np.uint8)
    blue[..., 2] = MASK * np.uint8(255)
    on_glass = np.zeros((12, 20, 4), dtype=np.uint8)
    on_glass[..., 3] = MASK * np.uint8(255)
    ones = np.dstack([MASK, MASK, MASK, np.ones((12, 20), dtype=np.uint8)])
    return {
        "0 and 1": as_png(Image.fromarray(MASK)),
        "0 and 128": as_png(Image.fromarray(MASK * np.uint8(128))),
        "all 1": as_png(Image.fromarray(np.ones((12, 20), dtype=np.uint8))),
        "class numbers": as_png(Image.fromarray(MASK * np.uint8(5))),
        "dark palette": dark_palette,
        "palette of one black": as_png(indexed),
        "dark blue": as_png(Image.fromarray(blue)),
        "0 and 1 in colours and opacity": as_png(Image.fromarray(ones)),
        "black on glass": as_png(Image.fromarray(on_glass)),
        "0..255 in 16 bits": as_png(Image.fromarray(MASK.astype(np.uint16) * np.uint16(255))),
        "0 and 4095 in 16 bits": as_png(Image.fromarray(MASK.astype(np.uint16) * np.uint16(4095))),
        "0..255 in 16 bits of colour": colour_of_16_bits(MASK.astype(np.uint16) * np.uint16(255)),
    }


def colour_of_16_bits(values: np.ndarray) -> bytes:
    """An RGB PNG of 16 bits a channel, which Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = values.shape
    lines = np.repeat(values[:, :, None], 3, axis=2).astype(">u2").reshape(height, -1).view(np.uint8)
    raw = b"".join(b"\0" + line.tobytes() for line in lines)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


CAUSES = {
    "0 and 1": "grey levels are 0 and 1 of 255 (a mask or labels stored as small numbers",
    "0 and 128": "grey levels are 0 and 128 of 255 (too dark",
    "all 1": "grey levels are 1 of 255",
    "class numbers": "grey levels are 0 and 5 of 255 (a mask or labels stored as small numbers",
    "dark palette": "palette indices 0 and 1, colours #000000, #800000",
    "palette of one black": "palette indices 0 and 1, colours #000000, all dark",
    "dark blue": "colours #000000, #0000ff, all dark",
    "0 and 1 in colours and opacity": "colours #000000, #010101, at an opacity of at most 1 of 255",
    "black on glass": "black on a transparent ground",
    "0..255 in 16 bits": "values are 0 and 255 of 65535 (16 bits that hold 0..255",
    "0 and 4095 in 16 bits": "values are 0 and 4095 of 65535 (16 bits that are not used in full",
    "0..255 in 16 bits of colour": "16 bits a channel in colour",
}


@pytest.mark.parametrize("kind", CAUSES)
def test_the_likely_cause_is_named(kind: str) -> None:
    with pytest.raises(UnreadablePicture) as caught:
        decode_mask(lost()[kind], 12, 20)
    assert CAUSES[kind] in str(caught.value)


def test_blank_pictures_are_blank_in_every_form() -> None:
    black = Image.fromarray(np.zeros((12, 20), dtype=np.uint8))
    hidden = np.full((12, 20, 4), 255, dtype=np.uint8)
    hidden[..., 3] = 0
    forms = [black, black.convert("1"), black.convert("RGB"), black.convert("RGBA"), black.convert("LA")]
    forms += [black.convert("P"), Image.fromarray(hidden), Image.fromarray(np.zeros((12, 20), np.uint16))]
    for form in forms:
        mask, faint = decode_mask(as_png(form), 12, 20)
        assert not mask.any() and not faint
