"""What the breast is made of: where it is glandular, where fat, with strands between."""

from __future__ import annotations

import numpy as np

from epuredgm.data.mammography.phantom_grid import Field, Grid, Mask, power_law_noise
from epuredgm.data.mammography.phantom_outline import Pose
from epuredgm.data.mammography.phantom_patient import Patient, Side

BISECTIONS = 30
SHARED, OWN = 0.8, 0.6  # weights of what both breasts share and of each breast's own; squares sum to one


def gland_share(
    patient: Patient, side: Side, pose: Pose, grid: Grid, breast: Mask, pectoral: Mask, skin: Field
) -> Field:
    """Share of glandular tissue on each ray, (H, W) in [0, 1], 0 outside the breast.

    Both breasts of one woman share most of their texture, mirrored, so that a split by image can be told from
    a split by patient. The threshold that turns noise into gland is found by bisection, so that the mean
    outside the muscle is the patient's ``gland_fraction``; strands add about a twentieth to that.

    Args:
        skin: distance to the skin in mm.
    """
    shared = power_law_noise(patient.stream("tissue", pose.view), grid, 3.0)
    own = power_law_noise(patient.stream("tissue", side, pose.view), grid, 3.0)
    x, y = grid.axes()
    line = pose.below_line(x, y)
    centre = -(((x - 0.55 * pose.depth) / (0.42 * pose.depth)) ** 2 + (line / (0.6 * pose.half)) ** 2)
    rows, columns = np.nonzero(breast)
    fade = np.minimum(skin[rows, columns] / 8, 1).astype(np.float32)
    field = 1.3 * (SHARED * shared + OWN * own) + 1.6 * centre
    level = field[rows, columns].astype(np.float32)
    free = ~pectoral[rows, columns]
    gland = fade * _logistic((level - _threshold(level[free], fade[free], patient.gland_fraction)) / 0.9)
    strands = power_law_noise(patient.stream("strands", side, pose.view), grid, 2.2)[rows, columns]
    gland += 0.15 * np.exp(-((strands / 0.06) ** 2)) * fade * (0.25 + gland)
    share = np.zeros(grid.shape, dtype=np.float32)
    share[rows, columns] = np.clip(gland, 0, 1)
    return share


def _threshold(level: Field, fade: Field, wanted: float) -> float:
    """The threshold at which the mean share is ``wanted``."""
    low, high = float(level.min()) - 20.0, float(level.max()) + 20.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if float((fade * _logistic((level - middle) / 0.9)).mean(dtype=np.float64)) > wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _logistic(z: Field) -> Field:
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -30, 30))), dtype=np.float32)
