"""The folders of NLBS, and paths that are not trusted: class / exam / side / view / file, below the root.

A path from a table was written on another machine by somebody else. It is taken apart as text, and what is
left must be names; on the disk, links must not lead out of the root.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from epuredgm.data.mammography.faults import Unreadable

NORMAL, ABNORMAL, FALSE_POSITIVE = "normal", "abnormal", "false positive"
CLASSES = {
    NORMAL: NORMAL,
    ABNORMAL: ABNORMAL,
    FALSE_POSITIVE: FALSE_POSITIVE,
    "false_positive": FALSE_POSITIVE,
}
SIDE = re.compile(
    r"(left|right)(-c)?", re.IGNORECASE
)  # what "-c" means is not documented: nothing is made of it
VIEWS = {"cc": "CC", "mlo": "MLO"}
MAX_PARTS = 16
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # devices of Windows


@dataclass(frozen=True)
class Told:
    """What folders say; None where they do not.

    Attributes:
        kind: the class.
        patient: the exam's folder, or the nearest to it.
        laterality, view: of the picture.
        above: the folders above the patient's and below the class, from the top.
        sure: whether a class, a side or a view among the folders tells where the exam's stands; else the
            patient's is taken to be the one that the file lies in.
    """

    kind: str | None = None
    patient: str | None = None
    laterality: str | None = None
    view: str | None = None
    above: tuple[str, ...] = ()
    sure: bool = False


@dataclass(frozen=True)
class ClassLabels:
    """Both flags of an exam, and whether folder and table contradict each other."""

    cancer: bool | None
    false_positive: bool | None
    conflict: bool


NOTHING = Told()


def place_of(text: str) -> tuple[tuple[str, ...], str]:
    """The parts of a relative path of either system, and the code of what is wrong; no parts if something is.

    Codes: ``path_missing``, ``path_absolute``, ``path_unsafe``. One separator in front is passed over if a
    class folder follows, as the older table has it.
    """
    text = text.strip().replace("\\", "/")
    if not text:
        return (), "path_missing"
    if len(text) > 1024 or not text.isprintable():
        return (), "path_unsafe"
    if text.startswith("/"):
        if text[1:].split("/", 1)[0].lower() not in CLASSES:
            return (), "path_absolute"
        text = text[1:]
    if re.match(r"[A-Za-z]:", text):
        return (), "path_absolute"
    parts = tuple(part for part in PurePosixPath(text).parts if part != ".")
    unsafe = any(part == ".." or ":" in part or part[0] == "~" or RESERVED.fullmatch(part) for part in parts)
    if unsafe or not parts or len(parts) > MAX_PARTS:
        return (), "path_unsafe"
    return parts, ""


def told_by(parts: tuple[str, ...]) -> Told:
    """What the folders of a path say about the picture."""
    folders = parts[:-1]
    classes = [place for place, part in enumerate(folders) if part.lower() in CLASSES]
    views = [place for place, part in enumerate(folders) if part.lower() in VIEWS]
    sides = [place for place, part in enumerate(folders) if SIDE.fullmatch(part)]
    kind = CLASSES[folders[classes[0]].lower()] if classes else None
    view = VIEWS[folders[views[-1]].lower()] if views else None
    side = folders[sides[-1]][0].upper() if sides else None
    told = [*views[-1:], *sides[-1:]]
    # the exam is above side and view; where neither is told, below the class; else the file lies in it
    above = min(told) if told else classes[0] + 2 if classes else len(folders)
    exam = folders[above - 1] if 0 < above <= len(folders) else ""
    known = exam.lower() not in ("", *CLASSES)
    first = classes[0] + 1 if classes else 0
    return Told(
        kind,
        exam if known else None,
        side,
        view,
        folders[first : max(first, above - 1)],
        bool(classes or told),
    )


def class_labels(
    kind: str | None, older: bool, cancer: str | bool | None, false_positive: str | bool | None
) -> ClassLabels:
    """The flags of an exam by its class folder and its table.

    In the newer generation the folder tells the class, and the table must agree. In the older one the table
    tells, and the folder must not contradict it; an exam called back in vain may lie among the abnormal.

    Args:
        kind: the class folder.
        older: whether the table has a column for false positives.
        cancer, false_positive: what the table says.
    """
    flags = {NORMAL: (False, False), ABNORMAL: (True, False), FALSE_POSITIVE: (False, True)}
    table = (
        None if cancer is None else bool(cancer),
        None if false_positive is None else bool(false_positive),
    )
    if kind is None:
        return ClassLabels(*table, False)
    if older:
        possible = [flags[kind]] + ([flags[FALSE_POSITIVE]] if kind == ABNORMAL else [])
        agrees = any(
            all(said in (None, flag) for said, flag in zip(table, row, strict=True)) for row in possible
        )
        return ClassLabels(*table, not agrees)
    agrees = all(said in (None, flag) for said, flag in zip(table, flags[kind], strict=True))
    return ClassLabels(*flags[kind], not agrees)


def below(root: Path, place: Path) -> Path:
    """The file at ``place`` below ``root``, with links followed.

    Raises:
        Unreadable: missing; unsafe_path if it leads out of the root.
    """
    try:
        found = (root / place).resolve(strict=True), root.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):  # not there, or a loop of links
        found = None
    if found is None:
        raise Unreadable("missing")
    real, top = found
    if place.is_absolute() or ".." in place.parts or not real.is_relative_to(top):
        raise Unreadable("unsafe_path")
    if not real.is_file():
        raise Unreadable("missing")
    return real
