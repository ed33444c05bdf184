"""The phantom as a data set: drawn below the workspace's data folder on first use, then read like real files.

Its patients do not exist, so the secret of their keyed names is no secret: everybody gets the same data set.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epuredgm.core.monitor import Monitor
from epuredgm.core.spec import DataSpec
from epuredgm.core.threads import available_processors
from epuredgm.data.designs import Designs
from epuredgm.data.mammography.identity import Secret
from epuredgm.data.mammography.phantom_cohort import size_of
from epuredgm.data.mammography.phantom_layouts import layout_of
from epuredgm.data.mammography.phantom_set import TRUTH, make_phantom
from epuredgm.data.mammography.reader import MammographyReader

if TYPE_CHECKING:
    import pandas as pd

OPEN_SECRET = Secret(hashlib.sha256(b"epuredgm phantom: these patients do not exist").digest())


class PhantomReader:
    """Makes the phantom, or what is missing of it, and reads it.

    Args:
        spec: one grey component of 16 bits.
        folder: the data set's folder in the workspace; each phantom has its own below it.
        size: ``tiny`` (24 patients) or ``small`` (200).
        layout: the generation of the real data that its folders and its table look like.
        seed: everything is drawn from it.
        workers: processes that draw and decode; None for as many as there are processors.
        arguments: of :class:`epuredgm.data.mammography.reader.MammographyReader`.
    """

    def __init__(
        self,
        spec: DataSpec,
        folder: Path,
        *,
        size: str,
        layout: str,
        seed: int,
        workers: int | None = None,
        **arguments: Any,
    ) -> None:
        size_of(size)
        self.layout = layout_of(layout)
        self.asked = {"size": size, "seed": seed, "layout": layout}
        self.root = folder / f"{size}-{layout}-seed{seed}"
        self.workers = available_processors() if workers is None else workers
        self.reader = MammographyReader(
            spec,
            folder,
            root=str(self.root.absolute()),
            metadata=self.layout.table,
            density=TRUTH,
            workers=self.workers,
            secret=OPEN_SECRET,
            **arguments,
        )

    def prepare(self, cache: Path, monitor: Monitor) -> Path:
        """Draw the phantom and decode it, or find both.

        Raises:
            BadRequest: if its folder holds something else.
            Interrupted: if the monitor asks to stop; whole patients and what is decoded stay.
        """
        make_phantom(self.root, monitor=monitor, workers=self.workers, **self.asked)  # type: ignore[arg-type]
        return self.reader.prepare(cache, monitor)

    def load(self, entry: Path) -> Designs:
        """See :meth:`epuredgm.data.mammography.reader.MammographyReader.load`."""
        return self.reader.load(entry)

    def frame(self, entry: Path) -> pd.DataFrame:
        """See :meth:`epuredgm.data.mammography.reader.MammographyReader.frame`."""
        return self.reader.frame(entry)

    def account(self, entry: Path) -> dict[str, Any]:
        """See :meth:`epuredgm.data.mammography.reader.MammographyReader.account`."""
        return self.reader.account(entry)
