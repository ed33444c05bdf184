"""The shape of a composed configuration: its sections, keys and types. Defaults live in ``conf/``, not here.

``config`` checks every composed configuration against these classes (an unknown key is an error) and the data
plane reads its settings through them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from epuredgm.core.errors import BadRequest


@dataclass(frozen=True)
class ComponentSettings:
    """How a component is called and coloured for people."""

    label: str
    color: str


@dataclass(frozen=True)
class ConditionSettings:
    """A condition's unit and the function that measures it; see :class:`epuredgm.core.spec.Condition`."""

    unit: str = ""
    measure: str | None = None
    values: list[str] = field(default_factory=list)
    optional: bool = False
    ordered: bool = False


@dataclass(frozen=True)
class AugmentationSettings:
    """How far train pictures are varied; 0 turns each off. Drawn anew for each design in each batch."""

    rotation: float = 0.0  # degrees at most, either way
    translation: float = 0.0  # share of the picture's height and width at most, either way
    scale: float = 0.0  # factors from 1 - scale to 1 + scale
    gain: float = 0.0  # factors of the intensity from 1 - gain to 1 + gain
    contrast: float = 0.0  # exponents of the intensity from exp(-contrast) to exp(contrast)
    noise: float = 0.0  # standard deviation of what is added where the intensity is not 0
    flip: float = 0.0  # share of designs that are mirrored left to right, their side with them


@dataclass(frozen=True)
class DatasetSettings:
    """One data set; see :class:`epuredgm.core.spec.DataSpec` for the meaning of the declared facts."""

    name: str
    description: str
    reader: dict[str, Any]  # _target_ and keyword arguments of the reader
    size: list[int]
    values: str
    exclusive: bool
    mirrored: bool
    components: dict[str, ComponentSettings]
    conditions: str  # the chosen condition set
    condition_sets: dict[str, dict[str, ConditionSettings]]  # set -> column
    normalized: bool  # read the columns NAME_norm instead of NAME
    validation_fraction: float | None  # share of train that chooses weights; null: the reader says which
    root: str | None  # folder of the data, for readers that take it from here
    models: list[str] | None  # families of a study that names none; null: all that can draw the values
    bits: int  # of a stored grey value
    side: str | None  # the condition that says which way a picture faces
    private: bool  # generated designs leave the workspace only through the gate of `epuredgm export`
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)  # of train designs
    balance: list[str] | None = None  # those of the chosen conditions whose rare strata are drawn more often


@dataclass(frozen=True)
class ModelSettings:
    """One family: the class to build and what it is built with."""

    name: str
    title: str
    target: str
    supports: list[str]
    draws: list[str]  # the kinds of stored values it can draw: binary, grey
    network: dict[str, Any]  # constructor arguments that training depends on
    sampler: dict[str, Any]  # constructor arguments that only sampling depends on


@dataclass(frozen=True)
class OptimizerSettings:
    """One optimizer with its learning-rate schedule: linear warm-up, then a cosine to ``final_lr * lr``."""

    name: str
    lr: float
    betas: list[float]
    weight_decay: float
    warmup: float  # share of the phase's steps
    final_lr: float  # share of lr at the last step


@dataclass(frozen=True)
class UpdateSettings:
    """How one update of a phase is made."""

    optimizer: OptimizerSettings
    repeats: int
    clip_norm: float


@dataclass(frozen=True)
class PhaseSettings:
    """How long a phase lasts (exactly one of ``epochs`` and ``steps``) and which weights it leaves."""

    epochs: int | None
    steps: int | None
    keep: str  # best or last
    updates: dict[str, UpdateSettings]


@dataclass(frozen=True)
class TrainingSettings:
    """The trainer's settings, common to all families."""

    epochs: int | None
    steps: int | None
    batch_size: int
    lr: float
    ema_decay: float  # 0 turns the moving average off
    eval_every: int  # epochs between two validations
    check_every: int  # epochs between two kept checkpoints; 0 keeps none but best and last
    precision: str  # auto, fp32, bf16 or fp16
    channels_last: bool
    compile: bool
    log_every: int  # steps between two history lines
    checkpoint_seconds: float  # seconds between two resume points
    phases: dict[str, PhaseSettings]
    patience: int | None = None  # validations without a better one that end a phase that keeps the best
    micro_batch: int | None = None  # designs computed at once at most; null: the batch, or what fits
    gallery_every: int | None = None  # epochs between two galleries; null makes none


@dataclass(frozen=True)
class SamplingSettings:
    """What is drawn from a trained model."""

    num_samples: int
    completions: int  # designs drawn around each given component
    batch_size: int
    guidance: float
    beyond: float  # how far extrapolation reaches beyond the training range, as a share of its length


@dataclass(frozen=True)
class EvaluationSettings:
    """How samples are scored."""

    bootstrap: int  # resamples behind each interval
    confidence: float  # level of the intervals, e.g. 0.95
    floor_repeats: int  # real-against-real draws behind each floor
    jackknife_groups: int  # groups that are left out in turn, where resampling single designs costs too much


@dataclass(frozen=True)
class DomainSettings:
    """The feature networks that are trained on the data set itself."""

    networks: int  # that the domain distance is the mean over; they differ in their seeds
    features: int  # length of a feature vector
    steps: int
    batch_size: int
    lr: float
    fault_chance: float  # of each kind of fault in a design that the network sees
    fault_weight: float  # of telling where a design is faulty, beside what it is without faults
    seed: int


@dataclass(frozen=True)
class ConditionReaderSettings:
    """The network that reads conditions from pictures."""

    steps: int
    batch_size: int
    lr: float
    seed: int


@dataclass(frozen=True)
class InceptionSettings:
    """The network behind FID; its weights come from elsewhere."""

    weights: str | None  # a file; null looks in the workspace's cache and in torch's
    sha256: str  # what the file's hash must begin with
    download: bool  # try to fetch them when a run starts without
    designs: int  # real designs of each split that it looks at, at most


@dataclass(frozen=True)
class ReferenceSettings:
    """The feature extractors that generated designs are compared through."""

    domain: DomainSettings
    conditions: ConditionReaderSettings
    inception: InceptionSettings


@dataclass(frozen=True)
class StudySettings:
    """Which runs a study has when the command line does not say."""

    seeds: list[int]


@dataclass(frozen=True)
class ProfileSettings:
    """The chosen profile; a value that it does not list is read from the profile it is ``like``."""

    name: str
    like: str | None
    branch: str  # sub-folder of the workspace that takes the outputs; empty for the workspace itself


@dataclass(frozen=True)
class Settings:
    """One whole configuration: a data set, a model, a profile."""

    profile: ProfileSettings
    study: StudySettings
    dataset: DatasetSettings
    model: ModelSettings
    training: TrainingSettings
    sampling: SamplingSettings
    reference: ReferenceSettings
    evaluation: EvaluationSettings


S = TypeVar("S")


def read(kind: type[S], content: Mapping[str, Any], key: str = "") -> S:
    """An instance of the settings class ``kind`` from plain ``content``, checked.

    A key whose field has a default may be absent.

    Args:
        kind: a dataclass.
        content: its fields as plain data.
        key: where the content stands in the configuration, for messages.

    Raises:
        BadRequest: listing every unknown key (with its nearest neighbour), missing key and wrong type.
    """
    problems: list[str] = []
    settings = _value(kind, content, key, problems)
    if problems:
        raise BadRequest("\n".join(["configuration:", *(f"  - {problem}" for problem in problems)]))
    return settings  # type: ignore[no-any-return]


def _value(hint: Any, content: Any, key: str, problems: list[str]) -> Any:
    """``content`` as the type ``hint``; what does not fit is added to ``problems`` under its full key."""
    if is_dataclass(hint) and isinstance(content, Mapping):
        return _section(hint, content, key, problems)
    if get_origin(hint) is UnionType:
        if content is None:
            return None
        return _value(get_args(hint)[0], content, key, problems)
    if get_origin(hint) is dict and isinstance(content, Mapping):
        item = get_args(hint)[1]
        return {str(name): _value(item, value, f"{key}.{name}", problems) for name, value in content.items()}
    if get_origin(hint) is list and isinstance(content, list):
        return [_value(get_args(hint)[0], value, f"{key}[{i}]", problems) for i, value in enumerate(content)]
    if hint is Any:
        return content
    if hint is float and isinstance(content, int) and not isinstance(content, bool):
        return float(content)
    fits = isinstance(hint, type) and isinstance(content, hint)
    if fits and (hint is bool or not isinstance(content, bool)):
        return content
    expected = "a group of keys" if is_dataclass(hint) else getattr(hint, "__name__", str(hint))
    problems.append(f"{key} must be {expected}, not {content!r}")
    return content


def _section(kind: Any, content: Mapping[str, Any], key: str, problems: list[str]) -> Any:
    hints = get_type_hints(kind)
    prefix = f"{key}." if key else ""
    for name in content:
        if name not in hints:
            near = difflib.get_close_matches(str(name), hints, n=1, cutoff=0.4)
            guess = f"; did you mean {prefix}{near[0]}?" if near else ""
            problems.append(f"unknown key {prefix}{name}{guess}")
    defaults = {
        each.name for each in fields(kind) if (each.default, each.default_factory) != (MISSING, MISSING)
    }
    missing = [name for name in hints if name not in content and name not in defaults]
    problems.extend(f"missing key {prefix}{name}" for name in missing)
    values = {
        name: _value(hint, content[name], f"{prefix}{name}", problems)
        for name, hint in hints.items()
        if name in content
    }
    return None if missing else kind(**values)
