"""What the keys of ``dataset.reader`` may be, one settings class for each reader of this package.

Each holds the arguments of the reader of its name beside the data set and its folder, which a test holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from epuredgm.core.fields import Mark, Seed, between

Name = Annotated[str, Mark("text that is not empty", lambda text: bool(text.strip()), whole=True)]
Pattern = Annotated[
    str,
    Mark(
        "a file name with {prefix} in it, such as '{prefix}_{component}.png'",
        lambda text: "{prefix}" in text and "/" not in text and "\\" not in text,
        whole=True,
    ),
]


@dataclass(frozen=True)
class ToyReaderSettings:
    """Of :class:`epuredgm.data.toy.ToyReader`.

    Attributes:
        count: number of designs.
        seed: of the random stream; 42 with 20,000 designs gives the published data.
    """

    count: Annotated[int, between(2, 10**7)]
    seed: Seed


@dataclass(frozen=True)
class FolderReaderSettings:
    """Of :class:`epuredgm.data.folders.FolderReader`.

    Attributes:
        root: another folder that holds table and images, absolute or relative to the data set's folder in
            the workspace; None for that one.
        table: name of the CSV file below the root.
        pattern: a picture's file name; ``{prefix}`` stands for the design's id, ``{component}`` for the
            component.
        prefix_case: the id's form in file names.
        id_column: column of the ids.
        split_column: column that says which rows are train.
        bits: how many bits the values of 16-bit grey pictures use, e.g. 12; None for all 16.
    """

    root: Name | None
    table: Name
    pattern: Pattern
    prefix_case: Literal["lower", "upper", "keep"]
    id_column: Name
    split_column: Name
    bits: Annotated[int, between(1, 16)] | None = None
