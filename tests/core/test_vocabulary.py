"""Seeds, specs, settings and job files: laws of the vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.config import compose, find_conf
from epuredgm.core.errors import BadRequest, DataError
from epuredgm.core.fields import read
from epuredgm.core.jobs import Artefact, JobFile, Stage
from epuredgm.core.seeds import derive
from epuredgm.core.settings import Settings, TrainingSettings
from epuredgm.core.spec import Condition, DataSpec

NAMES = st.lists(st.text(max_size=5) | st.integers(0, 9), max_size=3)


@given(st.integers(0, 100), NAMES)
def test_a_derived_seed_is_a_function_of_its_name_and_fits_63_bits(seed: int, names: list[str | int]) -> None:
    assert derive(seed, *names) == derive(seed, *names)
    assert 0 <= derive(seed, *names) < 2**63


@given(st.integers(0, 100), st.text(max_size=4), st.text(max_size=4))
def test_names_are_not_glued_together(seed: int, first: str, second: str) -> None:
    assert derive(seed, first, second) != derive(seed, first + second)
    assert derive(seed, first, second) != derive(seed, f"{first}/{second}")


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return compose(find_conf(), "toy", "vae", "quick")


def test_a_spec_survives_its_dictionary(config: dict[str, Any]) -> None:
    spec = DataSpec.from_config(config["dataset"])
    assert DataSpec.from_dict(spec.to_dict()) == spec
    assert (spec.channels, spec.condition_width, spec.height, spec.width) == (3, 2, 64, 32)


def test_normalized_conditions_are_other_columns_that_no_function_measures(config: dict[str, Any]) -> None:
    spec = DataSpec.from_config({**config["dataset"], "normalized": True})
    assert spec.condition_names == ("width_px_norm", "height_px_norm")
    assert {condition.measure for condition in spec.conditions} == {None}


def test_an_unknown_condition_set_names_those_that_there_are(config: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"geometry.*performance"):
        DataSpec.from_config({**config["dataset"], "conditions": "colour"})


def test_settings_list_every_problem_at_once(config: dict[str, Any]) -> None:
    broken = {**config["training"], "batch_sise": 3, "lr": "fast"}
    del broken["precision"]
    with pytest.raises(BadRequest) as error:
        read(TrainingSettings, broken)
    assert "unknown key batch_sise; did you mean batch_size?" in error.value.message
    assert "missing key precision" in error.value.message
    assert "lr must be a number above 0 and at most 100, not 'fast'" in error.value.message


def test_ranges_refuse_nonsense_and_name_the_key(config: dict[str, Any]) -> None:
    read(Settings, config)
    worse = {**config, "sampling": {**config["sampling"], "num_samples": 0, "guidance": -1.0}}
    with pytest.raises(BadRequest) as error:
        read(Settings, worse)
    assert "sampling.num_samples" in error.value.message
    assert "sampling.guidance" in error.value.message


def test_a_job_file_survives_the_disk(tmp_path: Path, config: dict[str, Any]) -> None:
    job = JobFile(
        key="train/vae_toy/seed0",
        stage=Stage.TRAIN,
        dataset="toy",
        model="vae",
        seed=0,
        mode=None,
        config=config,
        fingerprint="f",
        hashed={"a.b": [1, None]},
        workspace=str(tmp_path),
        branch="",
        inputs={"designs": Artefact("data/.cache/x", "s", 1, 2)},
        log="x.log",
    )
    job.write(tmp_path / "job.json")
    assert JobFile.read(tmp_path / "job.json") == job


def test_a_data_error_shows_many_faults_and_counts_the_rest() -> None:
    error = DataError("toy has 30 faults", [f"fault {i}" for i in range(30)], "mend them")
    assert "fault 19" in str(error)
    assert "fault 20" not in str(error)
    assert "and 10 more" in str(error)
    assert len(error.faults) == 30


def test_great_ages_are_not_told_and_other_numbers_are() -> None:
    age = Condition("age", "years", optional=True)
    assert [age.text(value) for value in (89.0, 90.0, float("nan"))] == [
        "89 years",
        "over 89 years",
        "unknown",
    ]
    assert Condition("width", "px").text(90.0) == "90 px"
