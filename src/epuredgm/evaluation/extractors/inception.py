"""Inception features of two renderings: silhouettes, as in published figures, and coloured components."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import read_json, write_json
from epuredgm.core.inception import FETCH, check_weights
from epuredgm.core.monitor import Monitor
from epuredgm.core.spec import DataSpec
from epuredgm.data.designs import Designs, Stored
from epuredgm.data.rendering import colored, even_hues, silhouettes
from epuredgm.evaluation import inception_network
from epuredgm.evaluation.extractor import Extractor, Maker, Setting, Unavailable
from epuredgm.evaluation.reference import REMEDY

FACTS = "inception.json"
RESIZE = "stretched bilinearly to 299 x 299, without antialiasing"
Picture = NDArray[np.uint8]
Render = Callable[[Stored, DataSpec], Picture]
NAMES = ("inception", "inception_components")


def fit(setting: Setting, designs: Designs, folder: Path, monitor: Monitor) -> None:
    """Note which weights the real designs are described with; there is nothing to learn."""
    write_json(folder / FACTS, {"sha256": _checked(setting)[1]})


def load(setting: Setting, folder: Path) -> tuple[Extractor, ...]:
    """Both extractors, sharing one network.

    Raises:
        Unavailable: if the weights are not here.
        BadRequest: if their hash is not the expected one.
        CorruptArtefact: if the file holds something else, or the reference was made with other weights.
    """
    path, sha256 = _checked(setting)
    former = read_json(folder / FACTS)["sha256"]
    if sha256 != former:
        raise CorruptArtefact(
            f"the real designs were described with other Inception weights ({former[:8]}, not {sha256[:8]})",
            REMEDY,
        )
    network = inception_network.load_network(path, setting.device)
    spec = setting.spec

    def extractor(name: str, rendering: str, render: Render) -> Extractor:
        return Extractor(
            name=name,
            describe=lambda images: inception_network.describe(
                network, render(images, spec), setting.at_once(NAMES[0], inception_network.BATCH)
            ),
            facts={
                "network": "pytorch-fid Inception, 2048 pooled features",
                "weights_sha256": sha256,
                "rendering": f"{rendering}; {RESIZE}",
            },
            most=setting.settings.inception.designs,
        )

    whole = ", mirrored" if spec.mirrored else ""
    return (
        extractor(NAMES[0], "silhouettes, as stored", _silhouettes),
        extractor(NAMES[1], f"components in evenly spaced hues on white{whole}", _components),
    )


def _checked(setting: Setting) -> tuple[Path, str]:
    """The weights and their hash."""
    path = setting.inception_weights
    if path is None:
        raise Unavailable(f"the Inception weights are not here; get them once: {FETCH}")
    return path, check_weights(path, setting.settings.inception.sha256)


def _silhouettes(images: Stored, spec: DataSpec) -> Picture:
    return silhouettes(images, spec)


def _components(images: Stored, spec: DataSpec) -> Picture:
    return colored(images, spec, even_hues(spec.channels))


MAKER = Maker(NAMES, fit, load)
