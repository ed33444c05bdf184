"""Small component-folder data sets on disk, for the tests of this folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from epuredgm.core.monitor import Monitor
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.folders import FolderReader
from epuredgm.data.pictures import encode

TWO = DataSpec(
    name="gears",
    height=12,
    width=20,
    components=(Component("ring", "ring", "#112233"), Component("hub", "hub", "#445566")),
    conditions=(Condition("teeth"),),
)
PATTERN = "{prefix}-{component}.view.png"
ARGUMENTS = {
    "root": None,
    "table": "list.csv",
    "pattern": PATTERN,
    "prefix_case": "keep",
    "id_column": "part",
    "split_column": "train",
}


class Stopping(Monitor):
    """Asks to stop at once, or records what it is told."""

    def __init__(self, stop: bool = False) -> None:
        self.stop, self.notes = stop, list[str]()

    def note(self, message: str) -> None:
        self.notes.append(message)

    def stopping(self) -> bool:
        return self.stop


def reader(folder: Path, spec: DataSpec = TWO, **changed: Any) -> FolderReader:
    return FolderReader(spec, folder, **{**ARGUMENTS, **changed})


def random_designs(count: int, spec: DataSpec = TWO, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2, (count, spec.channels, spec.height, spec.width), dtype=np.uint8)


def write_gears(root: Path, count: int = 6, spec: DataSpec = TWO) -> np.ndarray:
    """``count`` random designs, every third one test, with a table; returns the designs."""
    designs = random_designs(count, spec)
    lines = ["part,train,test,teeth,mass,maker\n"]
    for row in range(count):
        train = row % 3 != 2
        lines.append(f"g{row},{train},{not train},{row * 1.5},{10 - row},m{row}\n")
        for k, name in enumerate(spec.component_names):
            folder = root / ("train" if train else "test") / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"g{row}-{name}.view.png").write_bytes(encode(designs[row, k] * np.uint8(255)))
    (root / "list.csv").write_text("".join(lines))
    return designs


def edit_table(root: Path, old: str, new: str) -> None:
    path = root / "list.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def with_conditions(*names: str, spec: DataSpec = TWO) -> DataSpec:
    return replace(spec, conditions=tuple(Condition(name) for name in names))
