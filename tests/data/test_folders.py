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
from PIL import Image

from epuredgm.core.errors import BadRequest, CorruptArtefact, DataError, Interrupted
from epuredgm.core.monitor import SILENT
from epuredgm.core.spec import DataSpec
from epuredgm.data import folders
from epuredgm.data.pictures import UnreadablePicture, decode, encode


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
    with pytest.raises(BadRequest, match=r"does not exist\n.*reader.root"):
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
    assert "row 5" in faults[2] and "no PNG header" in faults[2]
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


@pytest.mark.parametrize("identity", ["../../etc/passwd", "..\\up", "/etc/passwd", "..", "c:x", "a\x00b"])
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
    decode = folders.decode

    def late(content: bytes, height: int, width: int) -> np.ndarray:
        os.utime(picture(root), ns=(5, 5))
        return decode(content, height, width)

    monkeypatch.setattr(folders, "decode", late)
    assert faults_of(root, cache) == ("the pictures changed while they were read",)


def test_overlap_is_a_fault_where_the_data_set_says_that_there_is_none(root: Path, cache: Path) -> None:
    source = reader(root)
    source.prepare(cache, SILENT)  # what another declaration let pass must not be found in the cache
    with pytest.raises(DataError, match="exclusive is true") as caught:
        reader(root, replace(TWO, exclusive=True)).prepare(cache, SILENT)
    shared = write_gears(root).all(axis=1).sum(axis=(1, 2))
    assert [fault.split(": ")[1].split()[0] for fault in caught.value.faults] == [str(n) for n in shared]


def test_a_component_without_a_pixel_is_remarked_and_a_data_set_without_one_refused(
    root: Path, cache: Path
) -> None:
    for file in root.glob("*/hub/*.png"):
        file.write_bytes(encode(np.ones((12, 20), dtype=np.uint8)))
    monitor = Stopping()
    reader(root).prepare(cache, monitor)
    assert monitor.notes == ["gears: hub is empty in every design (no grey level is above 128)"]
    for file in root.glob("*/ring/*.png"):
        file.write_bytes(encode(np.ones((12, 20), dtype=np.uint8)))
    (fault,) = faults_of(root, cache / "other")
    assert "are masks stored as 0 and 1?" in fault


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
