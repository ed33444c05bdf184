"""Samples leave only if the gate passed on exactly them; every refusal says whose, why and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from release_makers import COUNT, GATE, Study, make_study

from epuredgm.core.errors import BadRequest
from epuredgm.core.files import read_json, write_json
from epuredgm.core.jobs import Stage
from epuredgm.data.samples import SampleSet
from epuredgm.stages.permit import Run, permits


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path)


def refusal(study: Study, mode: str = "conditional", **changed: Any) -> str:
    with pytest.raises(BadRequest) as refused:
        ask(study, mode, **changed)
    text = str(refused.value)
    assert f"vae on films, seed 0, {mode}: " in text
    return text


def ask(study: Study, mode: str = "conditional", **changed: Any) -> list[Any]:
    now = {"spec": study.spec, "private": True, "fingerprint": study.fingerprint, **changed}
    return permits([Run("vae", "films", 0, mode)], study.workspace, **now)


def test_a_passed_gate_opens(study: Study) -> None:
    (permit,) = ask(study)
    assert len(permit.samples) == COUNT and permit.facts["gate"]["passed"] is True
    assert permit.facts["gate"]["limits"] == GATE["limits"]


def test_what_a_manifest_gets_names_no_design(study: Study) -> None:
    (permit,) = ask(study)
    assert "woman" not in str(permit.facts)


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        (
            {**GATE, "passed": False, "reasons": ["2 of 6 are copies"]},
            "failed, so it did not pass (2 of 6 are copies)",
        ),
        ({**GATE, "passed": None, "reasons": ["too few"]}, "not decided, so it did not pass (too few)"),
        (
            {**GATE, "passed": None, "verdict": "not decided", "reasons": ["too few"]},
            "Nothing speaks against these samples, but there was too little to tell. Draw at least 50",
        ),
        (
            {**GATE, "passed": False, "reasons": ["x"], "limits": {"fewest": [50, 100, 100]}},  # of before
            "not decided, so it did not pass",
        ),
        ({**GATE, "passed": "true"}, "did not pass (no reason is given)"),
        ({**GATE, "passed": 1}, "did not pass"),
        ({"reasons": []}, "does not judge this mode"),
        (None, "does not judge this mode"),
        ({**GATE, "counts": {"generated": COUNT - 2}}, "looked at 4 of its 6 samples"),
    ],
)
def test_any_other_gate_stays_shut(study: Study, gate: dict[str, Any] | None, reason: str) -> None:
    study.evaluate(gate)
    text = refusal(study)
    assert reason in text and "epuredgm run --dataset films --models vae --seeds 0" in text


def test_a_gate_without_counts_of_its_own_looked_at_what_was_compared(study: Study) -> None:
    study.evaluate({key: value for key, value in GATE.items() if key != "counts"})
    assert ask(study)


def planted(study: Study) -> None:
    study.evaluate({**GATE, "passed": False})
    content = read_json(study.result_file)
    content["modes"]["conditional"]["privacy"]["passed"] = True
    write_json(study.result_file, content)


def other_samples(study: Study) -> None:
    study.draw(images=np.zeros((COUNT, 1, 32, 32), np.uint8))


def damaged_samples(study: Study) -> None:
    content = bytearray(study.sample_file().read_bytes())
    content[len(content) // 2] ^= 1
    study.sample_file().write_bytes(bytes(content))


def other_run(study: Study) -> None:
    study.edit_result(seed=1)
    study.record("evaluate/vae_films/seed0", Stage.EVALUATE, result=study.result_file)


def other_training(study: Study) -> None:
    meta = {**SampleSet.read(study.sample_file()).meta, "data_fingerprint": "other"}
    study.draw(meta=meta)
    study.evaluate()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (planted, "run_seed0.json is not what was written"),
        (lambda study: study.edit_result(profile="full"), "is not what was written"),
        (lambda study: study.result_file.write_text("{"), "is not what was written"),
        (lambda study: study.result_file.unlink(), "is missing"),
        (other_run, "is of another run"),
        (lambda study: study.workspace.record("evaluate/vae_films/seed0").unlink(), "no finished evaluation"),
        (other_samples, "not those that were evaluated"),
        (damaged_samples, "not those that were evaluated"),
        (lambda study: study.sample_file().unlink(), "samples are missing"),
        (other_training, "trained on other data"),
    ],
)
def test_tampering_and_stale_files_are_refused(
    study: Study, damage: Callable[[Study], object], reason: str
) -> None:
    damage(study)
    text = refusal(study)
    assert reason in text and "epuredgm run --dataset films --models vae --seeds 0" in text


def test_a_gate_of_other_data_does_not_count(study: Study) -> None:
    assert "of other data than there are now" in refusal(study, fingerprint="changed")


def test_a_mode_that_was_not_evaluated_is_refused(study: Study) -> None:
    study.draw("unconditional")
    text = refusal(study, "unconditional")
    assert "not evaluated in this mode" in text and "--mode of: conditional" in text


def test_samples_of_another_configuration_are_refused(study: Study) -> None:
    spec = replace(study.spec, conditions=study.spec.conditions[:2])
    assert "configured now" in refusal(study, spec=spec)
    masks = replace(study.spec, values="binary")  # which would need no gate
    assert "configured now" in refusal(study, spec=masks, private=False)


def test_private_masks_stay_and_others_leave_without_a_gate(study: Study) -> None:
    study.draw(images=np.ones((COUNT, 1, 32, 32), np.uint8))
    study.evaluate(None)
    masks = replace(study.spec, values="binary")
    assert "no privacy gate can judge binary designs" in refusal(study, spec=masks)
    (permit,) = ask(study, spec=masks, private=False)
    assert permit.facts["gate"]["passed"] is None


def test_grey_pictures_need_the_gate_even_if_nothing_is_private(study: Study) -> None:
    study.evaluate({**GATE, "passed": False})
    assert "did not pass" in refusal(study, private=False)


def test_one_refused_run_refuses_all_and_all_are_named(study: Study) -> None:
    runs = [Run("vae", "films", seed, "conditional") for seed in (0, 1, 2)]
    with pytest.raises(BadRequest, match="2 of 3 runs may not leave, so nothing was exported") as refused:
        permits(runs, study.workspace, study.spec, True, study.fingerprint)
    assert "seed 1, cond" in str(refused.value) and "seed 2, cond" in str(refused.value)
