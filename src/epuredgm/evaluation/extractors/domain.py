"""Extractor ``domain``: features learned from the data set itself, so that no download is needed.

The bottleneck of a small denoising autoencoder (:mod:`epuredgm.nn.feature_network`), whitened on the train
designs. It is trained once for a data set, from real train designs and faults put into them alone.

Which features a network finds is chance of its seed, so there are several: ``domain``, ``domain_2``, ... A
distance that ranks is their mean; what needs one feature space takes the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from epuredgm.core.files import file_sha256
from epuredgm.core.monitor import Monitor
from epuredgm.core.seeds import derive
from epuredgm.data.designs import Designs
from epuredgm.data.resident import ResidentDesigns
from epuredgm.data.weights import Weights, load_weights, restore, save_weights
from epuredgm.evaluation.extractor import Extractor, Features, Images, Maker, Setting, Unavailable
from epuredgm.evaluation.learning import WARM_UP, learn
from epuredgm.evaluation.reduced import reduced
from epuredgm.nn import corruption, grey_faults
from epuredgm.nn.feature_network import VERSION, FeatureNetwork

NAME = "domain"
GREY_VERSION = 1  # of what features of grey pictures depend on beside VERSION
BATCH = 256  # designs described at a time
LARGEST = 128  # pixels along an edge; larger grey pictures are averaged down first


def names_of(networks: int) -> tuple[str, ...]:
    """Names of the extractors, the first being :data:`NAME`."""
    return (NAME, *(f"{NAME}_{k}" for k in range(2, networks + 1)))


def fit(setting: Setting, designs: Designs, folder: Path, monitor: Monitor) -> None:
    """Train the networks on the train split, keep their weights in the folder.

    Raises:
        Unavailable: if there are fewer than two train designs, or features that do not vary over them.
        Interrupted: if the monitor asks to stop.
    """
    train = np.flatnonzero(designs.train)
    if len(train) < 2:
        raise Unavailable(f"features cannot be learned from {len(train)} train designs")
    real = _resident(designs.images[train], setting)
    for name, own in _each(setting):
        network = _new_network(own).to(own.device)
        _train(network, real, own, monitor)
        network.eval()
        with torch.no_grad():
            constant = network.whiten(_features(network.encode, real, own))
        if constant:
            raise Unavailable(
                f"{constant} of {own.settings.domain.features} features do not vary over the {len(train)} "
                "train designs: they are too few, or too much alike, to measure distances in"
            )
        facts = {"version": VERSION, "settings": asdict(own.settings.domain), **_grey_facts(network)}
        path = folder / f"{name}.safetensors"
        save_weights(path, Weights(live=network.state_dict(), ema=None, facts=facts))


def load(setting: Setting, folder: Path) -> tuple[Extractor, ...]:
    """The extractors, from the weights in the folder.

    Raises:
        CorruptArtefact: if they are not there or do not fit.
    """
    first, *others = (_extractor(name, own, folder / f"{name}.safetensors") for name, own in _each(setting))
    hashes = [each.facts["sha256"] for each in (first, *others)]
    return (replace(first, facts={**first.facts, "networks": hashes}), *others)


def _each(setting: Setting) -> Iterator[tuple[str, Setting]]:
    """Every network's name and its own setting: they differ in their seeds."""
    domain = setting.settings.domain
    for k, name in enumerate(names_of(domain.networks)):
        own = replace(setting.settings, domain=replace(domain, seed=domain.seed + k))
        yield name, replace(setting, settings=own)


def _extractor(name: str, setting: Setting, path: Path) -> Extractor:
    weights = load_weights(path)
    network = _new_network(setting)
    restore(network, weights.for_use)
    network.to(setting.device).eval().requires_grad_(False)

    def describe(images: Images) -> Features:
        if not len(images):
            return np.empty((0, setting.settings.domain.features), dtype=np.float32)
        return np.asarray(_features(network, _resident(images, setting), setting).cpu().numpy())

    facts = {"kind": "bottleneck of a denoising autoencoder", **weights.facts, "sha256": file_sha256(path)}
    return Extractor(name, describe, facts)


def _new_network(setting: Setting) -> FeatureNetwork:
    """An untrained network, on the CPU; its first weights depend on the seed alone."""
    spec, domain = setting.spec, setting.settings.domain
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derive(domain.seed, "domain", "weights"))
        grey = spec.values == "grey"
        size = (
            reduced(np.empty((0, 1, *spec.size), dtype=spec.dtype), LARGEST).shape[2:] if grey else spec.size
        )
        return FeatureNetwork((size[0], size[1]), spec.channels, domain.features, grey)


def _grey_facts(network: FeatureNetwork) -> dict[str, object]:
    return {"grey": GREY_VERSION, "seen_at": list(network.decoder.size)} if network.grey else {}


def _train(network: FeatureNetwork, real: ResidentDesigns, setting: Setting, monitor: Monitor) -> None:
    settings, device = setting.settings.domain, setting.device
    order = torch.Generator().manual_seed(derive(settings.seed, "domain", "order"))
    rng = torch.Generator(device).manual_seed(derive(settings.seed, "domain", "faults"))
    optimiser = torch.optim.Adam(network.parameters(), settings.lr)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step / settings.steps))

    def draw() -> tuple[Tensor, Tensor]:
        chosen = torch.randint(len(real), (settings.batch_size,), generator=order)
        clean = real.batch(chosen).images
        if network.grey:
            faulty = grey_faults.spoiled(clean, settings.fault_chance, rng)
        else:
            faulty = corruption.spoiled(clean, settings.fault_chance, True, rng)
        return faulty, clean

    def loss_of(faulty: Tensor, clean: Tensor) -> Tensor:
        return network.loss(faulty, clean, settings.fault_weight)

    at_once = setting.at_once(f"learning {NAME}", settings.batch_size)
    learn(network, draw, loss_of, optimiser, schedule, settings.steps, monitor, "features", at_once)


def _rate(done: float) -> float:
    """Share of the learning rate after a share of the steps: a linear warm-up, then a cosine down to 0."""
    if done < WARM_UP:
        return (done + 0.01) / (WARM_UP + 0.01)
    return 0.5 + 0.5 * math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))


def _resident(images: Images, setting: Setting) -> ResidentDesigns:
    no_conditions = np.empty((len(images), 0), dtype=np.float32)
    if setting.spec.values == "grey":
        images = reduced(images, LARGEST)
    return ResidentDesigns.place(images, no_conditions, setting.spec, setting.device)


def _features(look: Callable[[Tensor], Tensor], real: ResidentDesigns, setting: Setting) -> Tensor:
    """What ``look`` makes of (B, C, H, W) in [0, 1], for all designs in order."""

    def rows(index: slice) -> Tensor:
        return look(real.batch(torch.arange(index.start, index.stop)).images)

    return torch.cat(setting.at_once(NAME, BATCH).map(len(real), rows))


MAKER = Maker(names=(NAME,), fit=fit, load=load)
