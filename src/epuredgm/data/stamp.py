"""What the file of a generated picture says of itself: that it is synthetic, and what drew it.

The one mechanism for every PNG of a generated design, so that none leaves without it. The text stands in
``tEXt`` chunks, which viewers show and copies keep.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from epuredgm import __version__
from epuredgm.core.jobs import shows_real
from epuredgm.core.spec import DataSpec
from epuredgm.data.samples import SampleSet

SOFTWARE = f"epuredgm {__version__}"
SYNTHETIC = "SYNTHETIC: drawn by a generative model; it shows no real object and no patient"
RECONSTRUCTED = (
    "SYNTHETIC: a real picture, encoded and decoded by a generative model; it may be as good as the real one"
)
FACTS = {"model": "Model", "dataset": "Data set", "seed": "Seed", "mode": "Mode"}
"""Fact of a sample set (``SampleSet.meta``) -> keyword of the chunk."""


def stamp(
    meta: Mapping[str, Any], conditions: Mapping[str, str] | None = None, given: Sequence[str] = ()
) -> dict[str, str]:
    """The text of the chunks by keyword.

    Args:
        meta: facts of the sample set; those in ``FACTS`` are told.
        conditions: what was asked for, as :func:`asked` says it.
        given: names of components that were not drawn but taken from a real design.
    """
    drawn = meta.get("mode") is None or not shows_real(str(meta["mode"]))
    text = {"Software": SOFTWARE, "Synthetic": SYNTHETIC if drawn else RECONSTRUCTED}
    text |= {keyword: str(meta[fact]) for fact, keyword in FACTS.items() if meta.get(fact) is not None}
    if conditions:
        text["Conditions"] = "; ".join(f"{name} {value}" for name, value in conditions.items())
    if given:
        text["Given"] = f"of a real design: {', '.join(given)}"
    return text


def asked(samples: SampleSet, row: int, spec: DataSpec) -> dict[str, str]:
    """The conditions that one sample was asked for, in words; those that are unknown are left out."""
    told = {}
    given = dict(zip(samples.condition_names, samples.conditions[row].tolist(), strict=True))
    for condition in spec.conditions:
        value = given.get(condition.name, math.nan)
        if not math.isnan(value):
            told[condition.name] = condition.text(value)
    return told


def given(samples: SampleSet, row: int) -> tuple[str, ...]:
    """Names of the components that one sample was given."""
    return tuple(name for name, flag in zip(samples.components, samples.given[row], strict=True) if flag)


def png(
    picture: Image.Image | NDArray[np.uint8] | NDArray[np.uint16],
    stamp: Mapping[str, str] | None,
    *,
    optimize: bool = False,
) -> bytes:
    """The bytes of a PNG with its stamp; equal arguments give equal bytes.

    Args:
        picture: an image, or grey levels (H, W) of 8 or 16 bits.
        stamp: text by keyword; None for a picture of real designs.
        optimize: spend time on a smaller file.
    """
    chunks = PngInfo()
    for keyword, text in (stamp or {}).items():
        chunks.add_text(keyword, text)
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(np.ascontiguousarray(picture))
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=chunks, optimize=optimize)
    return buffer.getvalue()
