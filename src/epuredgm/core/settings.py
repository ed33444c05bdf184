"""A composed configuration: its sections and keys, and what each may be. Defaults live in ``conf/``.

``config`` checks every composed configuration against these classes (an unknown key is an error) and the data
plane reads its settings through them. Ranges are generous: what lies outside cannot work, or was mistyped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from epuredgm.core.fields import (
    Fraction,
    Mark,
    Problem,
    Rate,
    Seed,
    Share,
    Weight,
    between,
    entries,
    matching,
    one_of,
)
from epuredgm.core.jobs import SUPPORTED
from epuredgm.core.places import stays_inside
from epuredgm.core.spec import VALUES, Values

Steps = Annotated[int, between(1, 10**9)]
Designs = Annotated[int, between(1, 10**7)]
BatchSize = Annotated[int, between(1, 65_536)]
StepsOrZero = Annotated[int, between(0, 10**9)]
Repeats = Annotated[int, between(2, 10_000)]
Reach = Annotated[float, between(0, 10, above=True)]
Unbounded = Annotated[float, between(0, 1e9, above=True, infinite=True)]
Amount = Annotated[float, between(0, 0.5)]
BelowOne = Annotated[float, between(0, 1, below=True)]
MODES = tuple(str(mode) for mode in SUPPORTED)

LARGEST_BATCH = 2**38  # bytes of its pictures as the network sees them; activations are many times that
LARGEST_SET = 2**40  # bytes of a set of generated pictures
FLOAT32 = 4  # bytes


Folder = Annotated[str, Mark("a folder inside the workspace", stays_inside, whole=True)]


@dataclass(frozen=True)
class ComponentSettings:
    """How a component is called and coloured for people; see :class:`epuredgm.core.spec.Component`."""

    label: str
    color: Annotated[str, matching("#[0-9a-fA-F]{6}", "a color such as '#3b6fb6'")]
    optional: bool = False


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

    rotation: Annotated[float, between(0, 45)] = 0.0  # degrees at most, either way
    translation: Amount = 0.0  # share of the picture's height and width at most, either way
    scale: Amount = 0.0  # factors from 1 - scale to 1 + scale
    gain: Annotated[float, between(0, 0.9)] = 0.0  # factors of the intensity from 1 - gain to 1 + gain
    contrast: Share = 0.0  # exponents of the intensity from exp(-contrast) to exp(contrast)
    noise: Share = 0.0  # standard deviation of what is added where the intensity is not 0
    flip: Share = 0.0  # share of designs that are mirrored left to right, their side with them


@dataclass(frozen=True)
class DatasetSettings:
    """One data set; see :class:`epuredgm.core.spec.DataSpec` for the meaning of the declared facts."""

    name: str
    description: str
    reader: dict[str, Any]  # _target_ and keyword arguments of the reader
    size: Annotated[list[Annotated[int, between(1, 16_384)]], entries(2, 2, "[height, width] in pixels")]
    values: Values
    exclusive: bool
    mirrored: bool
    components: dict[str, ComponentSettings]
    conditions: str  # the chosen condition set
    condition_sets: dict[str, dict[str, ConditionSettings]]  # set -> column
    normalized: bool  # read the columns NAME_norm instead of NAME
    validation_fraction: Fraction | None  # share of train that chooses weights; null: the reader says which
    # folder of the data, for readers that take it from here
    root: Annotated[str, Mark("text that is not empty", lambda text: bool(text.strip()), whole=True)] | None
    models: list[str] | None  # families of a study that names none; null: all that can draw the values
    bits: Literal[8, 16]  # of a stored grey value
    side: str | None  # the condition that says which way a picture faces
    private: bool  # generated designs leave the workspace only through the gate of `epuredgm export`
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)  # of train designs
    balance: list[str] | None = None  # those of the chosen conditions whose rare strata are drawn more often

    def rules(self) -> Iterator[Problem]:
        """What does not go together in a data set."""
        if self.root is not None and self.reader.get("root") != self.root:
            if "root" in self.reader:
                now = f"dataset.reader.root is {self.reader['root']!r}; set that one alone"
            else:
                now = "it reads no folder, but makes its data itself"
            yield "root", f"is {self.root!r}, and the reader does not look there: {now}"
        if self.mirrored and self.augmentation.flip > 0:
            yield "augmentation.flip", "must be 0 where pictures are left halves of mirrored designs"
        every = {name: about for each in self.condition_sets.values() for name, about in each.items()}
        categories = [name for name, about in every.items() if about.values]
        if not set(self.balance or ()) <= set(categories):
            known = ", ".join(categories) or "none"
            yield "balance", f"must be null or a list of conditions that are categories ({known})"


@dataclass(frozen=True)
class ModelSettings:
    """One family: the class to build and what it is built with."""

    name: str
    title: str
    target: str
    supports: Annotated[
        list[Annotated[str, one_of(*MODES)]], entries(1, 9, f"one or more of {', '.join(MODES)}")
    ]
    draws: Annotated[
        list[Values], entries(1, 9, f"one or more of {', '.join(VALUES)}")
    ]  # the kinds of stored values it can draw: binary, grey
    network: dict[str, Any]  # constructor arguments that training depends on
    sampler: dict[str, Any]  # constructor arguments that only sampling depends on


@dataclass(frozen=True)
class OptimizerSettings:
    """One optimizer with its learning-rate schedule: linear warm-up, then a cosine to ``final_lr * lr``."""

    name: Literal["adam", "adamw"]
    lr: Rate
    betas: Annotated[list[BelowOne], entries(2, 2, "two numbers in [0, 1)")]
    weight_decay: Annotated[float, between(0, 100)]
    warmup: BelowOne  # share of the phase's steps
    final_lr: Share  # share of lr at the last step


@dataclass(frozen=True)
class UpdateSettings:
    """How one update of a phase is made."""

    optimizer: OptimizerSettings
    repeats: Annotated[int, between(1, 1000)]
    clip_norm: Unbounded


@dataclass(frozen=True)
class PhaseSettings:
    """How long a phase lasts (exactly one of ``epochs`` and ``steps``) and which weights it leaves."""

    epochs: Steps | None
    steps: Steps | None
    keep: Literal["best", "last"]
    updates: dict[str, UpdateSettings]

    def rules(self) -> Iterator[Problem]:
        """A phase has one budget."""
        if (self.epochs is None) == (self.steps is None):
            now = f"epochs {self.epochs}, steps {self.steps}"
            yield "", f"needs exactly one of epochs and steps, at least 1 (now {now})"


@dataclass(frozen=True)
class TrainingSettings:
    """The trainer's settings, common to all families."""

    epochs: Steps | None
    steps: Steps | None
    batch_size: BatchSize
    lr: Rate
    ema_decay: BelowOne  # 0 turns the moving average off
    eval_every: Steps  # epochs between two validations
    check_every: Annotated[
        int, between(0, 10**9)
    ]  # epochs between two kept checkpoints; 0 keeps none but best and last
    precision: Literal["auto", "fp32", "bf16", "fp16"]
    channels_last: bool
    compile: bool
    log_every: Steps  # steps between two history lines
    checkpoint_seconds: Annotated[
        float, between(0, 1e9, infinite=True)
    ]  # seconds between two resume points; 0: after every step
    phases: dict[str, PhaseSettings]
    patience: Steps | None = None  # validations without a better one that end a phase that keeps the best
    micro_batch: BatchSize | None = None  # designs computed at once at most; null: the batch, or what fits
    gallery_every: Steps | None = None  # epochs between two galleries; null makes none


@dataclass(frozen=True)
class SamplingSettings:
    """What is drawn from a trained model."""

    num_samples: Designs
    completions: Annotated[int, between(1, 10_000)]  # designs drawn around each given component
    batch_size: BatchSize
    guidance: Annotated[float, between(0, 100)]
    beyond: Annotated[
        float, between(0, 10, above=True)
    ]  # how far extrapolation reaches beyond the training range, as a share of its length


@dataclass(frozen=True)
class EvaluationSettings:
    """How samples are scored."""

    bootstrap: Annotated[int, between(1, 10**6)]  # resamples behind each interval
    confidence: Fraction  # level of the intervals, e.g. 0.95
    floor_repeats: Repeats  # real-against-real draws behind each floor
    jackknife_groups: Annotated[
        int, between(2, 10_000)
    ]  # groups that are left out in turn, where resampling single designs costs too much


@dataclass(frozen=True)
class DomainSettings:
    """The feature networks that are trained on the data set itself."""

    networks: Annotated[int, between(1, 100)]  # that the domain distance is the mean over; by their seeds
    features: Annotated[int, between(2, 4096)]  # length of a feature vector
    steps: Steps
    batch_size: BatchSize
    lr: Rate
    fault_chance: Share  # of each kind of fault in a design that the network sees
    fault_weight: Weight  # of telling where a design is faulty, beside what it is without faults
    seed: Seed


@dataclass(frozen=True)
class ConditionReaderSettings:
    """The network that reads conditions from pictures."""

    steps: Steps
    batch_size: BatchSize
    lr: Rate
    seed: Seed


@dataclass(frozen=True)
class InceptionSettings:
    """The network behind FID; its weights come from elsewhere."""

    weights: str | None  # a file; null looks in the workspace's cache and in torch's
    sha256: Annotated[
        str, matching("[0-9a-f]{8,64}", "the first 8 to 64 hexadecimal digits of a SHA-256")
    ]  # what the file's hash must begin with
    download: bool  # try to fetch them when a run starts without
    designs: Annotated[int, between(2, 10**7)]  # real designs of each split that it looks at, at most


@dataclass(frozen=True)
class ReferenceSettings:
    """The feature extractors that generated designs are compared through."""

    domain: DomainSettings
    conditions: ConditionReaderSettings
    inception: InceptionSettings


@dataclass(frozen=True)
class StudySettings:
    """Which runs a study has when the command line does not say, and what it bears."""

    seeds: Annotated[list[Seed], entries(1, 10_000, "one or more whole numbers from 0")]
    full_disk_minutes: Annotated[float, between(0, 1e6)]  # how long a write waits for room; 0: not at all
    # without a sign of life for so long, a worker hangs; after as long again it is ended
    hang_seconds: Annotated[float, between(10, 1e6)] | None


@dataclass(frozen=True)
class ProfileSettings:
    """The chosen profile; a value that it does not list is read from the profile it is ``like``."""

    name: str
    like: str | None
    branch: Annotated[
        str, Mark("a folder inside the workspace", stays_inside, whole=True)
    ]  # sub-folder of the workspace that takes the outputs; empty for the workspace itself


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

    def rules(self) -> Iterator[Problem]:
        """What no machine holds."""
        shape = f"{len(self.dataset.components)} x {' x '.join(map(str, self.dataset.size))}"
        pixels = len(self.dataset.components) * self.dataset.size[0] * self.dataset.size[1]
        for key, count in (
            ("training.batch_size", self.training.micro_batch or self.training.batch_size),
            ("sampling.batch_size", self.sampling.batch_size),
        ):
            if count * pixels * FLOAT32 > LARGEST_BATCH:
                size = f"{count * pixels * FLOAT32 / 2**30:,.0f} GiB"
                yield key, f"is too large: {count:,} pictures of {shape} are {size} before the first layer"
        made = self.sampling.num_samples * self.sampling.completions
        stored = made * pixels * (self.dataset.bits // 8)
        if stored > LARGEST_SET:
            size = f"{stored / 2**40:,.1f} TiB"
            yield "sampling.num_samples", f"is too large: {made:,} pictures of {shape} are {size} in one file"
