"""``fid_scores.json`` and ``ssim_scores.json`` of a run: what is published of it, taken from its result.

``schemas/fid_scores.schema.json`` and ``schemas/ssim_scores.schema.json`` describe them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from epuredgm.core.files import digest
from epuredgm.core.jobs import Mode
from epuredgm.data.designs import Designs
from epuredgm.evaluation.headlines import at
from epuredgm.evaluation.reference import Reference
from epuredgm.evaluation.scalar import Figure, Json, number

SCHEMA = 1

SPACES = {
    "domain": ("fd_domain.distance", "kid_domain.distance"),
    "texture": ("texture.distance", None),
    "inception": ("fid", "kid"),
    "inception_components": ("fid_components", "kid_components"),
}
"""Feature space -> places of its Frechet and of its kernel distance in a mode's block."""

ENOUGH = 10
"""Pictures for each number of a feature vector, below which a Frechet distance is mostly bias."""


@dataclass(frozen=True)
class Run:
    """A run as both files see it; ``result`` is the content of its ``run_seedN.json``."""

    result: Mapping[str, Any]
    designs: Designs
    reference: Reference

    def about(self) -> Json:
        """What both files begin with."""
        stated = self.result["provenance"]
        epochs = {each["meta"].get("epoch") for each in stated["samples"].values()} - {None}
        return {
            "schema": SCHEMA,
            **{key: self.result[key] for key in ("model", "dataset", "seed", "profile")},
            "checkpoint": {
                "sha256": stated["weights_sha256"],
                "epoch": min(epochs) if len(epochs) == 1 else None,
            },
            "split": {
                "name": "test",
                "sha256": split_sha256(self.designs),
                "pictures": int((~self.designs.train).sum()),
                "data_fingerprint": self.designs.fingerprint,
            },
        }

    def blocks(self, key: str) -> dict[str, Mapping[str, Any]]:
        """The modes' blocks that have a metric; of modes with one block each."""
        return {mode: block for mode, block in self.result["modes"].items() if key in block}


def split_sha256(designs: Designs) -> str:
    """Of the ids of the test split and of the data: equal for equal pictures in equal splits."""
    ids = sorted(designs.ids[~designs.train].tolist())
    return digest({"data": designs.fingerprint, "ids": ids})


def fid_scores(run: Run) -> Json:
    """Frechet and kernel distances of every mode in every feature space, and by stratum."""
    blocks = run.blocks("texture")
    modes = {mode: _distances(block) for mode, block in blocks.items()}
    return {
        **run.about(),
        "extractors": {name: _extractor(run.reference, name) for name in sorted(run.reference.extractors)},
        "modes": modes,
        "warnings": sorted({*_few(run, modes), *_missing(modes)}),
    }


def ssim_scores(run: Run) -> Json:
    """Likeness of reconstructions to held-out pictures, and of pictures of one set to each other."""
    found = run.blocks("reconstruction").get(Mode.RECONSTRUCTION.value)
    warnings = [] if found else ["no reconstructions: this family has no encoder, or none were drawn"]
    diversity = {mode: block["ms_ssim"] for mode, block in run.blocks("ms_ssim").items()}
    scales = {block["scales"] for block in diversity.values() if "scales" in block}
    warnings += [f"MS-SSIM over {count} scales, not 5: small pictures" for count in scales if count < 5]
    return {
        **run.about(),
        "reconstruction": None if found is None else found["reconstruction"],
        "diversity": diversity,
        "warnings": sorted(warnings),
    }


def _distances(block: Mapping[str, Any]) -> Json:
    counts, strata = block["counts"], block.get("strata")
    return {
        "n_real": counts["compared"],
        "n_fake": counts["compared"],
        "n_floor": counts["floor"],
        "distance_floor": counts["distance_floor"],
        "drawn": counts["drawn"],
        "spaces": {
            name: {"fid": _with_std(at(block, fid)), "kid": _with_std(at(block, kid)) if kid else None}
            for name, (fid, kid) in SPACES.items()
        },
        "strata": None if strata is None else {k: v for k, v in strata.items() if k != "minimum"},
        "stratum_minimum": None if strata is None else strata["minimum"],
    }


def _with_std(figure: Any) -> Json | None:
    """A figure with the standard deviation of its replicates, its error; None where there is no figure."""
    if figure is None:
        return None
    spread = None
    if isinstance(figure, Figure) and figure.replicates is not None:
        replicates = figure.replicates()
        spread = float(replicates.std(ddof=1)) if len(replicates) > 1 else None
    return {**figure, "std": number(spread)}


def _extractor(reference: Reference, name: str) -> Json:
    facts = reference.extractors[name].facts
    return {
        "sha256": facts.get("sha256", facts.get("weights_sha256")),
        "dimension": int(reference.real[name].shape[1]),
        "facts": dict(facts),
    }


def _few(run: Run, modes: Mapping[str, Json]) -> list[str]:
    """Where there are too few pictures for a feature space."""
    return [
        f"{mode}: {found['n_real']} pictures are few for the {run.reference.real[name].shape[1]} features of"
        f" {name}: read the distance beside its floor"
        for mode, found in modes.items()
        for name in run.reference.extractors
        if name in SPACES
        if found["n_real"] < ENOUGH * run.reference.real[name].shape[1]
    ]


def _missing(modes: Mapping[str, Json]) -> list[str]:
    """Why distances are missing, each reason once."""
    return [
        f"{name}: {found['spaces'][name]['fid']['reason']}"
        for found in modes.values()
        for name in found["spaces"]
        if found["spaces"][name]["fid"] and "reason" in found["spaces"][name]["fid"]
    ]
