"""Mammograms per second from files to the cache: one process, all processors, and the naive form.

Ours reads the header, asks the gate, decodes, applies the look-up tables, finds the breast, crops it at the
chest wall, averages it down and writes a checked cache entry. The naive form does less: pydicom, minimum and
maximum of each picture, a resize, 8 bits, in one process; it is what every epoch pays without a cache. Ours
pays once: the last line is what the next run waits for.

Files are drawn at 0.8 mm and enlarged to the size of real ones (0.1 mm); quantum noise of a few levels is
added, or a compressed file would hold much less than a real one.

    python benchmarks/decode_and_cache.py [--patients 24] [--enlarge 8] [--syntax jpeg_lossless_sv1]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pydicom

from epuredgm.core.monitor import SILENT
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.mammography.parts import processors
from epuredgm.data.mammography.phantom_cohort import Size
from epuredgm.data.mammography.phantom_dicom import COMPRESSIONS, compressed
from epuredgm.data.mammography.phantom_grid import Grid
from epuredgm.data.mammography.phantom_reader import OPEN_SECRET
from epuredgm.data.mammography.phantom_set import make_phantom
from epuredgm.data.mammography.reader import MammographyReader

PIXELS = 256
SPEC = DataSpec(
    "phantom",
    PIXELS,
    PIXELS,
    (Component("breast", "breast", "#888888"),),
    (Condition("laterality", values=("L", "R"), optional=True),),
    "grey",
    bits=16,
    side="laterality",
)
DRAWN = Grid(320, 256, 0.8)
NOISE = 3.0  # standard deviation in stored levels


def enlarge(path: Path, times: int, syntax: str | None, rng: np.random.Generator) -> None:
    """Rewrite a file with ``times`` as many pixels a side, each as much smaller."""
    file = pydicom.dcmread(path)
    pixels = np.kron(file.pixel_array, np.ones((times, times), np.uint16)).astype(np.float32)
    lit = pixels > 0
    pixels[lit] += NOISE * rng.standard_normal(int(lit.sum()), np.float32)
    stored = np.clip(np.rint(pixels), 0, 2**file.BitsStored - 1).astype(np.uint16)
    file.Rows, file.Columns = stored.shape
    for name in ("ImagerPixelSpacing", "DetectorElementSpacing", "DetectorElementPhysicalSize"):
        if name in file:
            setattr(file, name, [float(value) / times for value in getattr(file, name)])
    file.PixelData = stored.tobytes()
    (compressed(file, syntax) if syntax else file).save_as(path)


def naive(files: list[Path]) -> None:
    for path in files:
        picture = pydicom.dcmread(path).pixel_array.astype(np.float32)
        span = picture.max() - picture.min()
        cv2.resize((picture - picture.min()) / span, (PIXELS, PIXELS), interpolation=cv2.INTER_AREA) * 255


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--patients", type=int, default=24)
    parser.add_argument("--enlarge", type=int, default=8)
    parser.add_argument("--syntax", choices=sorted(COMPRESSIONS))
    given = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        root, cache = Path(name, "files"), Path(name, "cache")
        made = make_phantom(
            root, Size(given.patients, DRAWN, missing=0.0, repeats=0.0), 0, workers=processors()
        )
        files = sorted(root.rglob("*.dcm"))
        rng = np.random.default_rng(0)
        for path in files:
            enlarge(path, given.enlarge, given.syntax, rng)
        rows, columns = DRAWN.height * given.enlarge, DRAWN.width * given.enlarge
        kind = given.syntax or "uncompressed"
        print(f"{len(files)} files of {rows} x {columns}, {kind}, into {PIXELS} x {PIXELS} pixels of 16 bits")

        def prepare(into: Path, workers: int) -> None:
            table = made.table.name
            data = MammographyReader(
                SPEC, Path(name), root=str(root), metadata=table, workers=workers, secret=OPEN_SECRET
            )
            data.prepare(into, SILENT)

        alone = seconds(lambda: naive(files))
        line("naive, 1 process", len(files), alone)
        one = seconds(lambda: prepare(cache / "one", 1))
        line("ours, 1 process", len(files), one)
        both = seconds(lambda: prepare(cache / "all", processors()))
        line(f"ours, {processors()} processes", len(files), both)
        again = seconds(lambda: prepare(cache / "all", processors()))
        print(f"ours, the next time: {again:.3f} s; naive pays {alone:.1f} s every epoch")


def line(who: str, count: int, taken: float) -> None:
    print(f"{who:<24}{count / taken:8.1f} images/s ({taken:.1f} s)")


if __name__ == "__main__":
    main()
