"""Extractor ``conditions``: what a network, trained on real train pictures, reads from a picture.

Of each condition (:func:`read_conditions`), in order: the probability of each category, or the number in its
own unit. Whether a reading is worth anything is measured on the real test split by who uses it.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from epuredgm.core.files import file_sha256
from epuredgm.core.monitor import Monitor
from epuredgm.core.seeds import derive
from epuredgm.core.spec import Condition, DataSpec
from epuredgm.data.designs import Designs
from epuredgm.data.resident import ResidentDesigns
from epuredgm.data.weights import Weights, load_weights, restore, save_weights
from epuredgm.evaluation.extractor import Extractor, Features, Images, Maker, Setting, Unavailable
from epuredgm.evaluation.learning import WARM_UP, learn
from epuredgm.nn.condition_network import VERSION, ConditionNetwork

NAME = "conditions"
FILE = "conditions.safetensors"
BATCH = 256  # pictures read at a time
SHIFT = 16  # a training picture is moved by at most its edge over this
WEIGHT_DECAY = 1e-3


def read_conditions(spec: DataSpec) -> tuple[Condition, ...]:
    """The conditions that the network reads.

    Those that nothing measures on a picture, without the side that it faces: stored ones all face one way.
    """
    return tuple(
        each for each in spec.conditions if each.measure is None and each.name != spec.side and _asked(each)
    )


def suits(spec: DataSpec) -> bool:
    """Grey pictures with a condition that only a reader could tell."""
    return spec.values == "grey" and bool(read_conditions(spec))


def fit(setting: Setting, designs: Designs, folder: Path, monitor: Monitor) -> None:
    """Train the network on the train split, keep its weights in the folder.

    Raises:
        Unavailable: if there are fewer than two train designs.
        Interrupted: if the monitor asks to stop.
    """
    train = np.flatnonzero(designs.train)
    if len(train) < 2:
        raise Unavailable(f"reading conditions cannot be learned from {len(train)} train designs")
    columns = [designs.condition_names.index(each.name) for each in read_conditions(setting.spec)]
    values = torch.from_numpy(designs.conditions[train][:, columns].astype(np.float32))
    network = _new_network(setting)
    network.standardise(values)
    network.to(setting.device)
    _train(network, _resident(designs.images[train], values.numpy(), setting), setting, monitor)
    facts = {"version": VERSION, "settings": asdict(setting.settings.conditions)}
    save_weights(folder / FILE, Weights(live=network.state_dict(), ema=None, facts=facts))


def load(setting: Setting, folder: Path) -> tuple[Extractor, ...]:
    """The extractor, from the weights in the folder.

    Raises:
        CorruptArtefact: if they are not there or do not fit.
    """
    weights = load_weights(folder / FILE)
    network = _new_network(setting)
    restore(network, weights.for_use)
    network.to(setting.device).eval().requires_grad_(False)

    def describe(images: Images) -> Features:
        none = np.empty((len(images), 0), dtype=np.float32)
        pictures = _resident(images, none, setting)

        def read(rows: slice) -> Tensor:
            seen: Tensor = network(pictures.batch(torch.arange(rows.start, rows.stop)).images)
            return seen

        parts = setting.at_once(NAME, BATCH).map(len(pictures), read)
        if not parts:
            return np.empty((0, sum(network.spans)), dtype=np.float32)
        return np.asarray(torch.cat(parts).cpu().numpy())

    facts = {
        "kind": "readings of the conditions by a network trained on real pictures",
        **weights.facts,
        "sha256": file_sha256(folder / FILE),
    }
    return (Extractor(NAME, describe, facts),)


def _asked(condition: Condition) -> bool:
    return bool(condition.values) or condition.optional


def _new_network(setting: Setting) -> ConditionNetwork:
    """An untrained network, on the CPU; its first weights depend on the seed alone."""
    counts = [len(each.values) for each in read_conditions(setting.spec)]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(setting.settings.conditions.seed, NAME, "weights"))
        return ConditionNetwork(setting.spec.channels, counts)


def _train(network: ConditionNetwork, real: ResidentDesigns, setting: Setting, monitor: Monitor) -> None:
    settings = setting.settings.conditions
    order = torch.Generator().manual_seed(derive(settings.seed, NAME, "order"))
    optimiser = torch.optim.AdamW(network.parameters(), settings.lr, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.lr, settings.steps + 1, pct_start=WARM_UP, cycle_momentum=False
    )
    devices = [setting.device] if setting.device.type == "cuda" else []

    def draw() -> tuple[Tensor, Tensor]:
        batch = real.batch(torch.randint(len(real), (settings.batch_size,), generator=order))
        return _moved(batch.images, order), batch.conditions

    at_once = setting.at_once(f"learning {NAME}", settings.batch_size)
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(derive(settings.seed, NAME, "dropout"))
        learn(network, draw, network.loss, optimiser, schedule, settings.steps, monitor, NAME, at_once)


def _moved(pictures: Tensor, rng: torch.Generator) -> Tensor:
    """The whole batch (B, C, H, W) shifted by a few pixels, edges repeated: a place says nothing."""
    height, width = pictures.shape[2:]
    reach = max(height, width) // SHIFT
    if not reach:
        return pictures
    y, x = torch.randint(2 * reach + 1, (2,), generator=rng).tolist()
    padded = functional.pad(pictures, (reach, reach, reach, reach), mode="replicate")
    return padded[..., y : y + height, x : x + width]


def _resident(images: Images, values: Features, setting: Setting) -> ResidentDesigns:
    return ResidentDesigns.place(images, values, setting.spec, setting.device)


MAKER = Maker(names=(NAME,), fit=fit, load=load, suits=suits)
