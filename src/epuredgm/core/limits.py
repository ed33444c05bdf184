"""What values make sense: ranges and choices of the settings, checked at the door."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath

from epuredgm.core.errors import BadRequest
from epuredgm.core.jobs import SUPPORTED
from epuredgm.core.settings import PhaseSettings, Settings
from epuredgm.core.spec import VALUES


def check(settings: Settings) -> None:
    """Refuse settings that cannot work.

    Raises:
        BadRequest: listing every key whose value makes no sense, and what would.
    """
    problems = list(_problems(settings))
    if problems:
        raise BadRequest("\n".join(["configuration:", *(f"  - {problem}" for problem in problems)]))


def _problems(settings: Settings) -> Iterator[str]:
    for key, (holds, meaning) in {**_study_rules(settings), **_scoring_rules(settings)}.items():
        if not holds:
            yield f"{key} must be {meaning}"
    for name, phase in settings.training.phases.items():
        yield from _phase_problems(f"training.phases.{name}", phase)


def _variation_rules(settings: Settings) -> dict[str, tuple[bool, str]]:
    """How train designs are varied and drawn, and how training adapts itself."""
    augmentation, training = settings.dataset.augmentation, settings.training
    most = {
        "rotation": 45,
        "translation": 0.5,
        "scale": 0.5,
        "gain": 0.9,
        "contrast": 1,
        "noise": 1,
        "flip": 1,
    }
    rules = {
        f"dataset.augmentation.{key}": (0 <= getattr(augmentation, key) <= limit, f"from 0 to {limit}")
        for key, limit in most.items()
    }
    half = settings.dataset.mirrored and augmentation.flip > 0
    rules["dataset.augmentation.flip"] = (
        rules["dataset.augmentation.flip"][0] and not half,
        "from 0 to 1, and 0 where pictures are left halves of mirrored designs",
    )
    every = {name: about for each in settings.dataset.condition_sets.values() for name, about in each.items()}
    categories = [name for name, about in every.items() if about.values]
    rules["dataset.balance"] = (
        set(settings.dataset.balance or ()) <= set(categories),
        f"null or a list of conditions that are categories ({', '.join(categories) or 'none'})",
    )
    for key in ("patience", "micro_batch", "gallery_every"):
        value = getattr(training, key)
        rules[f"training.{key}"] = (value is None or value >= 1, "null or at least 1")
    return rules


def _study_rules(settings: Settings) -> dict[str, tuple[bool, str]]:
    """What is trained and drawn: key -> whether its value makes sense, and what would."""
    training, sampling = settings.training, settings.sampling
    modes = [str(mode) for mode in SUPPORTED]
    return {
        "profile.branch": (_stays_inside(settings.profile.branch), "a folder inside the workspace"),
        "study.seeds": (
            bool(settings.study.seeds) and min(settings.study.seeds) >= 0,
            "one or more whole numbers from 0",
        ),
        "dataset.size": (
            len(settings.dataset.size) == 2 and min(settings.dataset.size) > 0,
            "[height, width] in pixels",
        ),
        "dataset.components": (
            all(re.fullmatch("#[0-9a-fA-F]{6}", each.color) for each in settings.dataset.components.values()),
            "given colors such as '#3b6fb6'",
        ),
        "dataset.values": (settings.dataset.values in VALUES, " or ".join(VALUES)),
        "dataset.bits": (settings.dataset.bits in (8, 16), "8 or 16"),
        **_variation_rules(settings),
        "dataset.validation_fraction": (
            settings.dataset.validation_fraction is None or 0 < settings.dataset.validation_fraction < 1,
            "between 0 and 1, or null where the reader says which designs choose the weights",
        ),
        "model.supports": (
            bool(settings.model.supports) and set(settings.model.supports) <= set(modes),
            f"one or more of {', '.join(modes)}",
        ),
        "model.draws": (
            bool(settings.model.draws) and set(settings.model.draws) <= set(VALUES),
            f"one or more of {', '.join(VALUES)}",
        ),
        "training.batch_size": (training.batch_size >= 1, "at least 1"),
        "training.lr": (_is_rate(training.lr), "positive and finite"),
        "training.ema_decay": (0 <= training.ema_decay < 1, "in [0, 1)"),
        "training.eval_every": (training.eval_every >= 1, "at least 1"),
        "training.check_every": (training.check_every >= 0, "at least 0"),
        "training.log_every": (training.log_every >= 1, "at least 1"),
        "training.checkpoint_seconds": (training.checkpoint_seconds > 0, "positive"),
        "training.precision": (
            training.precision in ("auto", "fp32", "bf16", "fp16"),
            "auto, fp32, bf16 or fp16",
        ),
        "sampling.num_samples": (sampling.num_samples >= 1, "at least 1"),
        "sampling.completions": (sampling.completions >= 1, "at least 1"),
        "sampling.batch_size": (sampling.batch_size >= 1, "at least 1"),
        "sampling.guidance": (0 <= sampling.guidance < math.inf, "at least 0 and finite"),
        "sampling.beyond": (0 < sampling.beyond < math.inf, "positive and finite"),
    }


def _scoring_rules(settings: Settings) -> dict[str, tuple[bool, str]]:
    """What it is compared through, and how: as :func:`_study_rules`."""
    domain, inception = settings.reference.domain, settings.reference.inception
    reader = settings.reference.conditions
    evaluation = settings.evaluation
    return {
        "reference.domain.networks": (domain.networks >= 1, "at least 1"),
        "reference.domain.features": (domain.features >= 2, "at least 2"),
        "reference.domain.steps": (domain.steps >= 1, "at least 1"),
        "reference.domain.batch_size": (domain.batch_size >= 1, "at least 1"),
        "reference.domain.lr": (_is_rate(domain.lr), "positive and finite"),
        "reference.domain.fault_chance": (0 <= domain.fault_chance <= 1, "between 0 and 1"),
        "reference.domain.fault_weight": (0 <= domain.fault_weight < math.inf, "at least 0 and finite"),
        "reference.domain.seed": (domain.seed >= 0, "at least 0"),
        "reference.conditions.steps": (reader.steps >= 1, "at least 1"),
        "reference.conditions.batch_size": (reader.batch_size >= 1, "at least 1"),
        "reference.conditions.lr": (_is_rate(reader.lr), "positive and finite"),
        "reference.conditions.seed": (reader.seed >= 0, "at least 0"),
        "reference.inception.sha256": (
            bool(re.fullmatch("[0-9a-f]{8,64}", inception.sha256)),
            "the first 8 to 64 hexadecimal digits of a SHA-256",
        ),
        "reference.inception.designs": (inception.designs >= 2, "at least 2"),
        "evaluation.bootstrap": (evaluation.bootstrap >= 1, "at least 1"),
        "evaluation.confidence": (0 < evaluation.confidence < 1, "between 0 and 1"),
        "evaluation.floor_repeats": (evaluation.floor_repeats >= 2, "at least 2"),
        "evaluation.jackknife_groups": (evaluation.jackknife_groups >= 2, "at least 2"),
    }


def _phase_problems(key: str, phase: PhaseSettings) -> Iterator[str]:
    budgets = [budget for budget in (phase.epochs, phase.steps) if budget is not None]
    if len(budgets) != 1 or budgets[0] < 1:
        now = f"epochs {phase.epochs}, steps {phase.steps}"
        yield f"{key} needs exactly one of epochs and steps, at least 1 (now {now})"
    if phase.keep not in ("best", "last"):
        yield f"{key}.keep must be best or last"
    for name, update in phase.updates.items():
        prefix, optimizer = f"{key}.updates.{name}", update.optimizer
        rules = {
            "repeats": (update.repeats >= 1, "at least 1"),
            "clip_norm": (update.clip_norm > 0, "positive"),
            "optimizer.name": (optimizer.name in ("adam", "adamw"), "adam or adamw"),
            "optimizer.lr": (_is_rate(optimizer.lr), "positive and finite"),
            "optimizer.betas": (
                len(optimizer.betas) == 2 and all(0 <= beta < 1 for beta in optimizer.betas),
                "two numbers in [0, 1)",
            ),
            "optimizer.weight_decay": (optimizer.weight_decay >= 0, "at least 0"),
            "optimizer.warmup": (0 <= optimizer.warmup < 1, "in [0, 1)"),
            "optimizer.final_lr": (0 <= optimizer.final_lr <= 1, "in [0, 1]"),
        }
        for field, (holds, meaning) in rules.items():
            if not holds:
                yield f"{prefix}.{field} must be {meaning}"


def _is_rate(value: float) -> bool:
    return 0 < value < math.inf


def _stays_inside(branch: str) -> bool:
    """Whether a folder's name means one inside the workspace on any system: records store relative paths."""
    posix, windows = PurePosixPath(branch), PureWindowsPath(branch)
    return not (posix.is_absolute() or windows.anchor or ".." in (*posix.parts, *windows.parts))
