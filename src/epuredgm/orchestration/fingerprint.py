"""What a job's result depends on beside its inputs: which stage reads which configuration key.

A fingerprint hashes exactly the keys that a stage reads, so that a changed key makes stale what depends on it
and nothing else. Every key is classified here; one that is not is refused, so that a new setting cannot be
forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from epuredgm.core.files import digest, flatten
from epuredgm.core.jobs import Stage
from epuredgm.core.spec import DataSpec

VERSIONS: Mapping[Stage, int] = {
    **dict.fromkeys(Stage, 1),
    Stage.EXPORT: 2,
    Stage.REFERENCE: 2,
    Stage.EVALUATE: 6,
    Stage.AGGREGATE: 4,
    Stage.REPORT: 2,
}
"""Raised by hand when a change of code changes what a stage makes of the same settings and inputs."""

_NONE: frozenset[Stage] = frozenset()
_PREPARE = frozenset({Stage.PREPARE})
_TRAIN = frozenset({Stage.TRAIN})
_SAMPLE = frozenset({Stage.SAMPLE})
_EVALUATE = frozenset({Stage.EVALUATE})
_REFERENCE = frozenset({Stage.REFERENCE})
_REPORT = frozenset({Stage.REPORT})
_SPEC = _TRAIN | _SAMPLE | _EVALUATE | _REFERENCE

READERS: tuple[tuple[str, frozenset[Stage]], ...] = (
    # how the run is watched, where it goes, which jobs there are: never part of a result
    ("profile.*", _NONE),
    ("study.*", _NONE),
    ("dataset.name", _NONE),  # part of every key
    ("dataset.description", _REPORT),
    ("dataset.models", _NONE),  # decides which jobs there are
    ("dataset.root", _NONE),  # a reader that takes it says so itself
    ("dataset.private", _REPORT),
    ("dataset.components.*.label", _REPORT),
    ("dataset.components.*.color", _REPORT),
    ("dataset.components.*.optional", _PREPARE),
    ("model.name", _NONE),  # part of every key
    ("model.title", _NONE),
    ("model.supports", _NONE),  # decides which jobs there are
    ("model.draws", _NONE),
    ("training.epochs", _NONE),  # these three are read through training.phases
    ("training.steps", _NONE),
    ("training.lr", _NONE),
    ("training.channels_last", _NONE),  # like the device: speed, and rounding at most
    ("training.compile", _NONE),
    ("training.log_every", _NONE),
    ("training.checkpoint_seconds", _NONE),
    ("training.check_every", _NONE),  # extra copies, read by no later stage
    ("training.gallery_every", _NONE),  # pictures for people
    # the data set
    ("dataset.reader.workers", _NONE),  # speed alone
    ("dataset.reader.*", _PREPARE),
    ("dataset.size", _PREPARE | _SPEC),
    ("dataset.values", _PREPARE | _SPEC),
    ("dataset.exclusive", _PREPARE | _SPEC),
    ("dataset.bits", _PREPARE | _SPEC),
    ("dataset.component_names", _PREPARE | _SPEC),
    ("dataset.mirrored", _EVALUATE | _REFERENCE | _REPORT),
    ("dataset.side", _SPEC | _REPORT),
    ("dataset.condition_columns", _PREPARE | _SPEC),
    ("dataset.condition_kinds", _PREPARE | _SPEC),
    ("dataset.condition_measures", _EVALUATE),
    ("dataset.validation_fraction", _TRAIN),
    ("dataset.augmentation.*", _TRAIN),
    ("dataset.balance", _TRAIN),
    # the model and what is done with it
    ("model.target", _TRAIN | _SAMPLE),
    ("model.network.*", _TRAIN),
    ("model.sampler.*", _SAMPLE),
    ("training.*", _TRAIN),
    ("sampling.*", _SAMPLE),
    ("reference.inception.weights", _NONE),  # where they lie; their hash counts
    ("reference.inception.download", _NONE),
    ("reference.*", _REFERENCE | _EVALUATE),
    ("evaluation.*", _EVALUATE),
)
"""Pattern of a fact -> the stages that read it; the first pattern that fits counts."""


def facts(config: Mapping[str, Any]) -> dict[str, Any]:
    """A composed configuration as flat facts.

    Keys are the configuration's own, but for two groups whose order, or whose choice, is what counts: the
    components (``dataset.component_names``, beside their labels and colours) and the conditions
    (``dataset.condition_columns`` and ``dataset.condition_measures`` stand for the chosen set, read
    normalised or not; ``dataset.condition_kinds`` says which of them are categories or may be unknown). What
    masks have no use for is left out for them, and so is what is turned off: such a setting is younger than
    results that do not know it.
    """
    dataset = dict(config["dataset"])
    spec = DataSpec.from_config(dataset)
    for absorbed in ("conditions", "condition_sets", "normalized"):
        del dataset[absorbed]
    dataset["component_names"] = list(spec.component_names)
    dataset["condition_columns"] = list(spec.condition_names)
    kinds = {each.name: [list(each.values), each.optional] for each in spec.conditions}
    if any(kind != [[], False] for kind in kinds.values()):
        dataset["condition_kinds"] = list(kinds.values())
    if spec.values == "binary":
        del dataset["bits"]
    if spec.side is None:
        del dataset["side"]
    dataset["condition_measures"] = [
        [each.unit, each.measure, *["ordered"] * each.ordered] for each in spec.conditions
    ]
    flat = flatten({**config, "dataset": dataset})
    return {key: value for key, value in flat.items() if value or not _is_switch(key)}


def _is_switch(fact: str) -> bool:
    """Whether 0 or null turns off what the fact is about."""
    return (
        fact in ("dataset.balance", "training.patience", "training.micro_batch")
        or fact.startswith("dataset.augmentation.")
        or (fact.startswith("dataset.components.") and fact.endswith(".optional"))
    )


def readers(fact: str) -> frozenset[Stage]:
    """The stages whose result depends on a fact.

    Raises:
        LookupError: if nobody has said who reads it: add it to ``READERS``.
    """
    for pattern, stages in READERS:
        if fnmatchcase(fact, pattern):
            return stages
    raise LookupError(f"no stage is said to read {fact!r}: add it to {__name__}.READERS")


def hashed(
    stage: Stage,
    config_facts: Mapping[str, Any],
    *,
    seed: int | None = None,
    mode: str | None = None,
    source: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """All that the result of a job depends on, beside its inputs, as a flat dictionary.

    Args:
        stage: what the job does.
        config_facts: what :func:`facts` returned.
        seed, mode: the job's own, if it has them.
        source: what the job reads beside configuration and inputs: the signature of files from outside.
    """
    chosen: dict[str, Any] = {"version": VERSIONS[stage]}
    if seed is not None:
        chosen["seed"] = seed
    if mode is not None:
        chosen["mode"] = mode
    chosen.update({f"source.{name}": value for name, value in (source or {}).items()})
    chosen.update({key: value for key, value in config_facts.items() if stage in readers(key)})
    return chosen


def fingerprint(content: Mapping[str, Any]) -> str:
    """SHA-256 of what :func:`hashed` returned."""
    return digest(dict(content))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What differs between two such dictionaries, in words: ``training.batch_size 64 -> 32``."""
    for key in sorted({*before, *after}):
        if before.get(key, _UNSET) != after.get(key, _UNSET):
            yield f"{key} {_word(before.get(key, _UNSET))} -> {_word(after.get(key, _UNSET))}"


_UNSET = object()


def _word(value: object) -> str:
    if value is _UNSET:
        return "(unset)"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:18]}...{text[-18:]}"
