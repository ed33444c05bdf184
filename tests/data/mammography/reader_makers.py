"""Small folders of mammograms for the reader: phantoms, and awkward variants among their patients."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from epuredgm.core.monitor import Monitor
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.mammography.identity import Secret
from epuredgm.data.mammography.phantom_cohort import Size
from epuredgm.data.mammography.phantom_grid import Grid
from epuredgm.data.mammography.phantom_layouts import OLD_COLUMNS
from epuredgm.data.mammography.phantom_set import make_phantom
from epuredgm.data.mammography.phantom_variants import write_variants
from epuredgm.data.mammography.reader import MammographyReader

SECRET = Secret(bytes(range(32)))
SIDE = 32
PATIENTS = Size(12, Grid(160, 128, 1.6), cancer=0.2, missing=0.1)
FLAGS = ("no", "yes")


class Listener(Monitor):
    """Keeps what it is told; asks to stop after some reports."""

    def __init__(self, patience: int = 10**9) -> None:
        self.said: list[str] = []
        self.reports = 0
        self.patience = patience

    def progress(self, done: float, total: float, what: str, **figures: float) -> None:
        self.reports += 1
        self.said.append(what)

    def note(self, message: str) -> None:
        self.said.append(message)

    def stopping(self) -> bool:
        return self.reports >= self.patience


def a_spec(side: int = SIDE, *more: Condition) -> DataSpec:
    conditions = (
        Condition("view", values=("CC", "MLO"), optional=True),
        Condition("laterality", values=("L", "R"), optional=True),
        Condition("age", unit="years", optional=True),
        Condition("cancer", values=FLAGS, optional=True),
        Condition("false_positive", values=FLAGS, optional=True),
        *more,
    )
    breast = (Component("breast", "breast", "#d8d2c8"),)
    return DataSpec("screening", side, side, breast, conditions, "grey", bits=16, side="laterality")


def a_reader(
    workspace: Path, root: Path, spec: DataSpec | None = None, **arguments: object
) -> MammographyReader:
    given = {"metadata": None, "workers": 1, "secret": SECRET, **arguments}
    folder = workspace / "data" / "screening"
    return MammographyReader(spec or a_spec(), folder, root=str(root), **given)  # type: ignore[arg-type]


def a_phantom(root: Path, layout: str = "new") -> Path:
    make_phantom(root, PATIENTS, seed=5, layout=layout)
    return root


def with_variants(
    root: Path, names: Iterable[str], patient_of: dict[str, str] | None = None
) -> dict[str, Path]:
    """A phantom in the old layout with variants among its patients, as further rows of the table.

    Args:
        root: where.
        names: of the variants.
        patient_of: exam folder of each; by default one that is the same for all.
    """
    a_phantom(root, "old")
    written = write_variants(root / "loose", tuple(names))
    with (root / "loose" / "variants.csv").open(newline="") as file:
        rows = {row["File Path"]: row for row in csv.DictReader(file)}
    places = {}
    with (root / "NLBSP-metadata.csv").open("a", newline="") as file:
        table = csv.writer(file, lineterminator="\r\n")
        for name, path in written.items():
            exam = (patient_of or {}).get(name, "900000000001")
            place = Path("normal", exam, "left", "MLO", f"IM-{len(places):04d}.dcm")
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            path.rename(root / place)
            row = rows[path.name] | {"File Path": str(place)}
            if name == "laterality_conflict":  # the folder must not tell it, the header does
                row["Image Laterality"] = "R"
            if name in ("age_058y", "age_over_89"):
                row["Age"] = ""
            table.writerow([row[column] for column in OLD_COLUMNS])
            places[name] = place
    return places
