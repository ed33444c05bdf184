"""Decoding in parallel, in parts that are kept as they are done: a stopped preparation goes on where it was.

The parts depend on rows and settings alone, not on how many processes make them.
"""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import CorruptArtefact, EpureError, Interrupted
from epuredgm.core.files import atomic_writer
from epuredgm.core.monitor import Monitor
from epuredgm.core.stops import deaf, end_with_parent
from epuredgm.core.threads import available_processors
from epuredgm.data.entries import read_arrays
from epuredgm.data.mammography.cutting import Cutting
from epuredgm.data.mammography.intake import Item, Rules, Taken, take

FILES = 16  # of one part: seconds of work for large files
STALE = 7 * 86400.0  # seconds after which the parts of a preparation that nobody goes on with are removed
STOPPED = "stopped while reading mammograms; the same command goes on from here"
Part = tuple[list[Taken], NDArray[np.uint16]]


@dataclass(frozen=True)
class Decoded:
    """What all files gave, in parts on the disk, in the order of the table."""

    places: tuple[Path, ...]

    def facts(self) -> list[Taken]:
        """What every file gave, without the pictures."""
        return [one for place in self.places for one in _whole(place)[0]]

    def write(self, path: Path, used: Container[str], shape: tuple[int, ...]) -> None:
        """Write the pictures ``shape`` (N, 1, S, S) of the files that are used as one array to ``path``."""
        images = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=shape)
        row = 0
        for place in self.places:  # one at a time: all of them need not fit into memory
            facts, pictures = _whole(place)
            counts = [len(one.foreground) for one in facts]
            kept = pictures[np.repeat(np.array([one.name in used for one in facts], np.bool_), counts)]
            images[row : row + len(kept)] = kept
            row += len(kept)
        images.flush()


def decode_all(
    items: Sequence[Item],
    root: Path,
    how: Cutting,
    rules: Rules,
    folder: Path,
    monitor: Monitor,
    workers: int | None,
) -> Decoded:
    """Decode every file into parts below ``folder``, those that are not there yet.

    Args:
        items: the rows.
        root: of the data set.
        how: pictures are cut.
        rules: see :func:`epuredgm.data.mammography.intake.take`.
        folder: of the parts; its name says what they are of.
        monitor: told about progress.
        workers: processes; 1 works in this one, None takes as many as there are processors for.

    Raises:
        Interrupted: if the monitor asks to stop; the parts that are done stay.
        EpureError: if a process dies.
    """
    _sweep(folder)
    folder.mkdir(parents=True, exist_ok=True)
    chunks = [items[start : start + FILES] for start in range(0, len(items), FILES)]
    places = [folder / f"part-{number:06d}.npz" for number in range(len(chunks))]
    todo = [number for number, place in enumerate(places) if _read(place) is None]
    for number in todo:
        if places[number].exists():
            monitor.note(f"{places[number]} is not what was written: its files are read again")
    make = partial(_make, root=root, how=how, rules=rules)
    done = len(items) - sum(len(chunks[number]) for number in todo)
    jobs = [(places[number], chunks[number]) for number in todo]
    try:
        for files in _each(make, jobs, available_processors() if workers is None else workers):
            done += files
            monitor.progress(done, len(items), "reading mammograms")
            if done < len(items) and monitor.stopping():
                raise Interrupted(STOPPED)
    except BrokenProcessPool:
        if monitor.stopping():  # the signal reached the whole group
            raise Interrupted(STOPPED) from None
        raise EpureError(
            "a process that read mammograms died: it was killed, or memory ran out",
            "The same command goes on where it stopped; dataset.reader.workers=1 needs least.",
        ) from None
    return Decoded(tuple(places))


def _each(make: partial[int], jobs: Sequence[tuple[Path, Sequence[Item]]], workers: int) -> Iterator[int]:
    """Make every part; yields the number of files in each. Gives the others up when the caller does."""
    if workers <= 1 or len(jobs) < 2:
        for place, chunk in jobs:
            yield make(place, chunk)
        return
    processes, context = min(workers, len(jobs)), get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=end_with_parent) as pool:
        try:
            with deaf(signal.SIGTERM):  # when to stop is asked of the monitor, between two parts
                running = [pool.submit(make, place, chunk) for place, chunk in jobs]
            for one in as_completed(running):
                yield one.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _make(place: Path, chunk: Sequence[Item], *, root: Path, how: Cutting, rules: Rules) -> int:
    taken = [take(item, root, how, rules) for item in chunk]
    facts = json.dumps([facts.to_dict() for facts, _ in taken]).encode()
    pictures = np.concatenate([pictures for _, pictures in taken])
    with atomic_writer(place) as file:  # not compressed: it is read once, soon
        np.savez(file, facts=np.frombuffer(facts, np.uint8), pictures=pictures)
    return len(chunk)


def _read(place: Path) -> Part | None:
    """A part, each array of which is checked by the archive's checksums; None if it is not whole."""
    try:
        arrays = read_arrays(place)
        facts = json.loads(arrays["facts"].tobytes())
        return [Taken.from_dict(one) for one in facts], arrays["pictures"]
    except (OSError, CorruptArtefact, KeyError, TypeError, ValueError, AttributeError, RecursionError):
        return None


def _whole(place: Path) -> Part:
    part = _read(place)
    if part is None:
        raise CorruptArtefact(f"{place} is not what was written", "Give the same command again.")
    return part


def _sweep(folder: Path) -> None:
    """Remove old parts of the same data set beside ``folder``."""
    kind = folder.name.rsplit("-", 1)[0]
    for left in folder.parent.glob(f"{kind}-*{folder.suffix}"):
        if left != folder and time.time() - left.stat().st_mtime > STALE:
            shutil.rmtree(left, ignore_errors=True)
