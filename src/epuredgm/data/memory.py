"""How many designs are computed at once: halved where memory runs out, remembered for the next time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from epuredgm.core.errors import CorruptArtefact, is_out_of_memory
from epuredgm.core.files import digest, read_json, write_json

T = TypeVar("T")


class RememberedSize:
    """The number of designs that fitted at once the last time that memory ran out in the same work.

    Args:
        folder: where such numbers are kept, a small file for each kind of work.
        work: what they depend on, JSON-ready: the model and its size, the data set, the device, the task.
    """

    def __init__(self, folder: Path, work: Mapping[str, Any]) -> None:
        self._work = dict(work)
        self.path = folder / f"{digest(self._work)[:16]}.json"

    def read(self) -> int | None:
        """The number, or None if memory never ran out (or the file cannot be read: it is found again)."""
        try:
            size = read_json(self.path)["size"]
        except (FileNotFoundError, CorruptArtefact, KeyError, TypeError):
            return None
        return size if type(size) is int and size >= 1 else None

    def write(self, size: int) -> None:
        """Keep the number for the next time."""
        write_json(self.path, {**self._work, "size": size})


class FittingSize:
    """As many designs at once as fit: the size to try, halved whenever memory runs out.

    Args:
        size: the most that are wanted at once.
        halved: told of every new size.
        remembered: the size to begin with, if one is known and smaller, and where new ones are kept.
    """

    def __init__(
        self,
        size: int,
        halved: Callable[[int], None] = lambda size: None,
        remembered: RememberedSize | None = None,
    ) -> None:
        known = None if remembered is None else remembered.read()
        self.size = size if known is None else min(size, known)
        self._halved, self._remembered = halved, remembered

    def fit(self, work: Callable[[int], T]) -> T:
        """``work(size)``; where it runs out of memory, again with half the size.

        Raises:
            RuntimeError, MemoryError: if a single design is too much.
        """
        while True:
            try:
                return work(self.size)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or self.size == 1:
                    raise
            # outside of the handler: the error holds on to the tensors of the attempt
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self.size = (self.size + 1) // 2
            if self._remembered is not None:
                self._remembered.write(self.size)
            self._halved(self.size)

    def map(self, count: int, work: Callable[[slice], T]) -> list[T]:
        """``work`` of consecutive rows, at most ``size`` at once, until ``count`` are done.

        Rows whose work ran out of memory are done again, fewer at once; those before them are kept.
        """
        found: list[T] = []
        done = 0
        while done < count:
            start = done  # bound now: the retry begins at the same row

            def at_once(size: int, start: int = start) -> tuple[int, T]:
                stop = min(start + size, count)
                return stop, work(slice(start, stop))

            done, result = self.fit(at_once)
            found.append(result)
        return found
