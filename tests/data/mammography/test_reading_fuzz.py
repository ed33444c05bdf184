"""5,000 damaged files: each is read or refused by the one exception, and nothing of it is ever shown."""

from __future__ import annotations

import io
import json
import logging
import struct
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from dicom_makers import as_bytes, breast, compressed, mammogram
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from epuredgm.data.mammography.cutting import Cutting
from epuredgm.data.mammography.faults import REASONS, Unreadable
from epuredgm.data.mammography.intake import Item, Rules, take
from epuredgm.data.mammography.metadata import Row
from epuredgm.data.mammography.reading import examine

PLANTED = ("XYZZY", "PLUGH", "8675309")
SYNTAXES = ("JPEGLossless", "JPEGLosslessSV1", "JPEGLSLossless", "JPEG2000Lossless", "RLELossless")
VRS = b"AE AS AT CS DA DS DT FL FD IS LO LT OB OF OW PN SH SL SQ SS ST TM UI UL UN US UT UC UR ZZ".split()
HOW = Cutting((16, 16), 0.02)
Mutation = Callable[[bytearray, np.random.Generator], None]


def bases(folder: Path) -> list[bytes]:
    """Small files of every syntax, full of identifiers, and one that is a PNG."""
    small = breast(32, 32)

    def planted(**kinds: object) -> Dataset:
        dataset = mammogram(small, **kinds)  # type: ignore[arg-type]
        dataset.PatientName, dataset.PatientID = f"{PLANTED[0]}^JANE", PLANTED[2]
        dataset.InstitutionName, dataset.StudyDescription = f"{PLANTED[1]} HOSPITAL", f"SEEN {PLANTED[0]}"
        item = Dataset()
        item.CodeMeaning = PLANTED[1]
        dataset.RequestAttributesSequence = Sequence([item])
        return dataset

    plain = planted()
    plain.WindowCenter, plain.WindowWidth, plain.VOILUTFunction = [1000, 2000], [900, 800], "SIGMOID"
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [64, 0, 12])
    table.add_new("LUTData", "US", list(range(0, 640, 10)))
    tabled = planted(bits=14, photometric="MONOCHROME1")
    tabled.VOILUTSequence = Sequence([table])
    implicit = planted(implicit=True)
    undefined = planted()
    undefined["RequestAttributesSequence"].is_undefined_length = True
    undefined["ViewCodeSequence"].is_undefined_length = True
    files = [as_bytes(dataset) for dataset in (plain, tabled, implicit, undefined)]
    picture, text = io.BytesIO(), PngInfo()
    text.add_text("Comment", f"{PLANTED[0]} {PLANTED[1]}")
    Image.fromarray(np.rint(small * 65535).astype(np.uint16)).save(picture, "PNG", pnginfo=text)
    files.append(picture.getvalue())
    return files + [compressed(planted(), syntax, folder) for syntax in SYNTAXES]


def flip(content: bytearray, rng: np.random.Generator) -> None:
    for place in rng.integers(128, len(content), rng.integers(1, 12)):
        content[place] ^= int(rng.integers(1, 256))


def flip_late(content: bytearray, rng: np.random.Generator) -> None:
    for place in rng.integers(max(132, len(content) - 300), len(content), rng.integers(1, 6)):
        content[place] ^= 1 << int(rng.integers(0, 8))


def truncate(content: bytearray, rng: np.random.Generator) -> None:
    del content[int(rng.integers(0, len(content))) :]


def wrong_length(content: bytearray, rng: np.random.Generator) -> None:
    place = int(rng.integers(132, len(content) - 4))
    length = int(rng.choice([0, 1, 7, 255, 65535, 1 << 20, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF]))
    size = "<H" if rng.random() < 0.5 else "<I"
    struct.pack_into(size, content, place, length & (0xFFFF if size == "<H" else 0xFFFFFFFF))


def wrong_kind(content: bytearray, rng: np.random.Generator) -> None:
    places = [k for k in range(132, len(content) - 2) if bytes(content[k : k + 2]) in VRS]
    if places:
        place = int(rng.choice(places))
        content[place : place + 2] = VRS[int(rng.integers(len(VRS)))]


def swap(content: bytearray, rng: np.random.Generator) -> None:
    first, second = sorted(int(place) for place in rng.integers(132, len(content) - 40, 2))
    size = int(rng.integers(2, 40))
    one, other = bytes(content[first : first + size]), bytes(content[second : second + size])
    content[first : first + size], content[second : second + size] = other, one


def insert(content: bytearray, rng: np.random.Generator) -> None:
    place = int(rng.integers(132, len(content)))
    content[place:place] = rng.bytes(int(rng.integers(1, 30)))


def repeat(content: bytearray, rng: np.random.Generator) -> None:
    first, size = int(rng.integers(132, len(content))), int(rng.integers(8, 60))
    content[first:first] = content[first : first + size] * int(rng.integers(1, 20))


MUTATIONS: tuple[Mutation, ...] = (flip, flip_late, truncate, wrong_length, wrong_kind, swap, insert, repeat)


def shown_by(path: Path, content: bytes) -> tuple[str, str]:
    """How reading a file of this content ends, and all that is said and would be kept."""
    path.write_bytes(content)
    row = Row(2, Path(path.name), PLANTED[2], None, None, None, None, None)
    facts, pictures = take(Item("name", "patient", row), path.parent, HOW, Rules(admitted=True))
    kept = f"{json.dumps(facts.to_dict())} {facts} {len(pictures)}"
    try:
        seen = examine(path)
    except Unreadable as error:
        assert facts.reasons == (error.code,) and not len(pictures)
        return error.code, f"{kept} {error} {error!r} {error.__cause__} {error.__context__}"
    return "read", f"{kept} {seen.mammogram.origin} {' '.join(map(str, seen.findings))}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_damaged_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    files, path = bases(tmp_path), tmp_path / f"{PLANTED[0]}_{PLANTED[2]}.dcm"
    ends: Counter[str] = Counter(shown_by(path, content)[0] for content in files)
    assert ends == {"read": len(files) - 1, "no_breast": 1}  # the short table flattens all but air
    caplog.set_level(logging.DEBUG)
    rng = np.random.default_rng(20241124)
    said = []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for number in range(5000):
            content = bytearray(files[number % len(files)])
            for _ in range(int(rng.integers(1, 4))):
                MUTATIONS[int(rng.integers(len(MUTATIONS)))](content, rng)
                if len(content) < 200:
                    break
            end, text = shown_by(path, bytes(content))
            ends[end] += 1
            said.append(text)
    out, err = capfd.readouterr()
    everything = " ".join([*said, *(str(one.message) for one in warned), caplog.text, out, err]).upper()
    assert not [word for word in PLANTED if word in everything]
    assert set(ends) <= {"read", *REASONS} and ends.total() == 5000 + len(files)
    assert len(ends) > 15  # the damage reaches all parts of the reader
    assert not warned and not caplog.records and not out and not err
