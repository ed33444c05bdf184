from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orchestration_fakes import CONF, config

from epuredgm.core.files import flatten
from epuredgm.core.jobs import Stage
from epuredgm.core.spec import DataSpec
from epuredgm.orchestration.fingerprint import READERS, changes, facts, fingerprint, hashed, readers

DATASETS = sorted(path.stem for path in (CONF / "dataset").glob("*.yaml"))
KEYS = sorted(key for key in flatten(config()) if not key.endswith(".ordered"))  # numbers have no order


def prints(content: dict[str, Any]) -> dict[Stage, str]:
    known = facts(content)
    return {stage: fingerprint(hashed(stage, known, seed=0)) for stage in Stage}


def flipped(content: dict[str, Any], key: str) -> dict[str, Any]:
    """The configuration with another value at one flat key."""
    other = deepcopy(content)
    *path, last = key.split(".")
    section = other
    for part in path:
        section = section[part]
    value = section[last]
    if key == "dataset.bits":
        section[last] = 16
    elif value == []:
        section[last] = ["some", "others"]
    elif isinstance(value, bool):
        section[last] = not value
    elif isinstance(value, int | float):
        section[last] = value + 1
    elif isinstance(value, list):
        section[last] = [*value[1:], value[0]] if len(set(map(str, value))) > 1 else [*value, *value]
    elif key == "dataset.values":
        section[last] = "grey"
    elif key == "dataset.conditions":
        section[last] = "none"
    else:
        section[last] = f"{value}x"
    return other


def expected(key: str) -> frozenset[Stage]:
    """Who reads a key of the configuration; some are read through what is made of them."""
    if key == "dataset.bits":
        return frozenset()  # of masks
    chosen = config()["dataset"]["conditions"]
    if key in ("dataset.conditions", "dataset.normalized"):
        return readers("dataset.condition_columns")
    if key.startswith("dataset.condition_sets."):
        read = key.startswith(f"dataset.condition_sets.{chosen}.")
        fact = "measures" if key.endswith((".unit", ".measure")) else "kinds"
        return readers(f"dataset.condition_{fact}") if read else frozenset()
    return readers(key)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_fact_of_every_data_set_has_its_readers(dataset: str) -> None:
    for fact in facts(config(dataset=dataset)):
        readers(fact)


def test_a_key_that_nobody_classified_is_refused() -> None:
    with pytest.raises(LookupError, match=r"weather\.rain"):
        facts_of = facts({**config(), "weather": {"rain": 1}})
        hashed(Stage.TRAIN, facts_of)


def test_no_pattern_is_out_of_use() -> None:
    everything = [fact for dataset in DATASETS for fact in facts(config(dataset=dataset))]
    everything += ["model.network.width", "model.sampler.steps"]
    grey = config()
    grey["dataset"].update(values="grey", side="which")
    grey["dataset"]["condition_sets"]["geometry"]["which"] = {"values": ["a", "b"], "optional": True}
    grey["dataset"]["components"]["fpu"]["optional"] = True
    everything += facts(grey)
    first = {fact: next(i for i, (p, _) in enumerate(READERS) if _fits(fact, p)) for fact in everything}
    assert set(first.values()) == set(range(len(READERS)))


def _fits(fact: str, pattern: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase(fact, pattern)


@given(st.sampled_from(KEYS))
def test_a_changed_key_makes_stale_exactly_the_stages_that_read_it(key: str) -> None:
    before, after = prints(config()), prints(flipped(config(), key))
    assert {stage for stage in Stage if before[stage] != after[stage]} == expected(key)


def test_an_order_of_categories_is_measured() -> None:
    ordered, loose = (config(dataset="nlbs_phantom") for _ in range(2))
    loose["dataset"]["condition_sets"]["exam"]["density"]["ordered"] = False
    before, after = prints(ordered), prints(loose)
    assert {stage for stage in Stage if before[stage] != after[stage]} == readers(
        "dataset.condition_measures"
    )


def test_the_order_of_components_counts_and_their_colour_does_not() -> None:
    turned = config()
    turned["dataset"]["components"] = dict(reversed(turned["dataset"]["components"].items()))
    assert DataSpec.from_config(turned["dataset"]).component_names[0] == "fpu"
    assert prints(turned)[Stage.TRAIN] != prints(config())[Stage.TRAIN]


def test_seed_mode_and_source_are_part_of_it() -> None:
    known = facts(config())
    variants: list[dict[str, Any]] = [{}, {"seed": 0}, {"seed": 1}, {"seed": 0, "mode": "m"}]
    variants.append({"source": {"table": "1"}})
    prints_of = {fingerprint(hashed(Stage.SAMPLE, known, **variant)) for variant in variants}
    assert len(prints_of) == len(variants)


@given(st.dictionaries(st.text(min_size=1, max_size=3), st.integers(), max_size=5))
def test_no_change_is_said_of_equal_settings(content: dict[str, int]) -> None:
    assert list(changes(content, dict(content))) == []


def test_changes_are_said_in_words() -> None:
    before, after = {"training.batch_size": 64, "old": 1}, {"training.batch_size": 32, "new": None}
    assert list(changes(before, after)) == [
        "new (unset) -> None",
        "old 1 -> (unset)",
        "training.batch_size 64 -> 32",
    ]
