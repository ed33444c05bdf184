"""Who is imaged: a synthetic woman's age, density and anatomy, each drawn from a stream with its own name.

Lengths are in mm throughout the phantom. The distributions are those of a screening population: ages 50 to
74, density classes A to D at 10, 40, 40 and 10 %, denser when younger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from epuredgm.core.seeds import derive

Side = Literal["L", "R"]
View = Literal["CC", "MLO"]
SIDES: tuple[Side, ...] = ("L", "R")
VIEWS: tuple[View, ...] = ("CC", "MLO")
CLASSES = ("A", "B", "C", "D")  # ACR density, almost entirely fat to extremely dense
CUTS = (-1.28, 0.0, 1.28)  # of the density score, between the classes
GLANDULAR = {"A": (0.03, 0.07), "B": (0.07, 0.15), "C": (0.15, 0.28), "D": (0.28, 0.45)}


@dataclass(frozen=True)
class Patient:
    """One synthetic woman.

    Attributes:
        root: the seed that she and her images are drawn from.
        number: which woman of that seed.
        age: in years, 50 to 74.
        density: ACR class, A to D.
        gland_fraction: mean share of glandular tissue in the compressed breast.
        depth: chest wall to nipple in CC.
        ratio: half-height of the breast over its depth.
        exponent: of the superellipse that outlines the breast.
        thickness: of the compressed breast.
        pectoral_angle: between muscle edge and chest wall in MLO, in radians.
        pectoral_width: of the muscle at the top of the field in MLO.
    """

    root: int
    number: int
    age: int
    density: str
    gland_fraction: float
    depth: float
    ratio: float
    exponent: float
    thickness: float
    pectoral_angle: float
    pectoral_width: float

    def stream(self, *names: str | int) -> np.random.Generator:
        """The generator of this patient's draws called ``names``."""
        return stream(self.root, self.number, *names)


def stream(root: int, *names: str | int) -> np.random.Generator:
    """The generator of the phantom's draws called ``names`` under the seed ``root``; PCG64 on every numpy."""
    return np.random.Generator(np.random.PCG64(derive(root, "mammography phantom", *names)))


def draw_patient(root: int, number: int) -> Patient:
    """The patient ``number`` of the seed ``root``; the same however many others are drawn."""
    rng = stream(root, number, "patient")
    age = round(_clipped(rng, 60.0, 7.0, 50.0, 74.0))
    score = 0.35 * (60 - age) / 7 + rng.standard_normal()
    density = CLASSES[sum(score >= cut for cut in CUTS)]
    depth = _clipped(rng, 95.0, 18.0, 55.0, 140.0)
    return Patient(
        root=root,
        number=number,
        age=age,
        density=density,
        gland_fraction=rng.uniform(*GLANDULAR[density]),
        depth=depth,
        ratio=rng.uniform(0.8, 1.15),
        exponent=rng.uniform(2.0, 2.6),
        thickness=_clipped(rng, 55.0, 12.0, 25.0, 90.0),
        pectoral_angle=math.radians(rng.uniform(12.0, 25.0)),
        pectoral_width=rng.uniform(0.22, 0.42) * depth,
    )


def _clipped(rng: np.random.Generator, mean: float, std: float, low: float, high: float) -> float:
    return float(np.clip(rng.normal(mean, std), low, high))
