"""``compare`` holds studies and runs against each other, finds them by any name, or refuses in words."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epuredgm.cli import main
from epuredgm.cli.compare import _settings
from epuredgm.cli.sides import sides
from epuredgm.core.files import write_json
from epuredgm.core.jobs import Artefact, Stage
from epuredgm.core.places import Workspace
from epuredgm.data.entries import write_arrays
from epuredgm.evaluation import comparison
from epuredgm.evaluation.summary import summarise
from epuredgm.orchestration.archive import save
from epuredgm.orchestration.plan import run_key
from epuredgm.orchestration.records import Record


def figure(value: float) -> dict[str, Any]:
    return {"value": value, "interval": [value - 0.1, value + 0.1], "floor": None, "ratio": None}


def result(model: str, seed: int, rce: float, **provenance: Any) -> dict[str, Any]:
    counts = {"drawn": 50, "compared": 50, "floor": 50, "paired": False}
    return {
        "schema": 2,
        "model": model,
        "dataset": "toy",
        "seed": seed,
        "profile": "quick",
        "mode": "unconditional",
        "metrics": {},
        "modes": {"unconditional": {"counts": counts, "rce": {"gen_wd": figure(rce), "real_wd": 0.0}}},
        "provenance": {"data_fingerprint": "d", "package_version": "1", "settings": {}, **provenance},
    }


def study(
    root: Path, values: dict[str, float], learning_rate: float = 1.0, seeds: int = 1, **provenance: Any
) -> Path:
    """A workspace with so many runs of each model, as a study leaves it."""
    place = Workspace(root)
    results, resamples = [], {}
    for model, seed in itertools.product(values, range(seeds)):
        value = values[model] + (0.001 * (seed * len(model)) if seeds > 1 else 0.0)
        made = result(model, seed, value, **provenance)
        noise = np.random.default_rng(0).normal(0, 0.05, 40)
        arrays = {"unconditional/rce": (value + noise).astype(np.float32)}
        write_json(place.result("toy", model, seed), made)
        write_arrays(place.resamples("toy", model, seed), arrays)
        results.append(made)
        resamples[model, seed] = arrays
        record = Record(
            key=run_key(Stage.TRAIN, model, "toy", seed),
            stage=Stage.TRAIN,
            dataset="toy",
            model=model,
            seed=seed,
            mode=None,
            profile="quick",
            fingerprint="f",
            hashed={"version": 1, "seed": seed, "training.lr": learning_rate},
            status="done",
        )
        record.write(place)
    write_json(place.summary("toy"), summarise("toy", results, resamples))
    return root


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as end:
        main(["compare", *words])
    captured = capsys.readouterr()
    assert not end.value.code, captured.err
    return captured.out


def refused(capsys: pytest.CaptureFixture[str], *words: str, code: int = 2) -> str:
    with pytest.raises(SystemExit) as end:
        main(["compare", *words])
    message = capsys.readouterr().err
    assert end.value.code == code and "Traceback" not in message
    return message


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study(tmp_path_factory.mktemp("before"), {"vae": 0.5, "ddpm": 0.9})


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return study(tmp_path_factory.mktemp("after"), {"vae": 0.3, "mdm": 0.4}, learning_rate=2.0)


def test_two_models_of_a_workspace(before: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("vae", "ddpm:0", "--dataset", "toy", "--workspace", str(before), "--json")
    told = json.loads(answer(capsys, *words))
    (group,) = told["groups"]
    assert group["models"] == {"vae": "vae", "ddpm:0": "ddpm"}
    (row,) = group["tasks"]["unconditional"]
    assert (row["headline"], row["better"], row["values"]["vae"]["mean"]) == ("rce", "lower", 0.5)
    difference = row["differences"]["ddpm:0"]
    assert difference["difference"] == pytest.approx(0.4)
    low, high = difference["interval"]
    assert 0 < low < 0.4 < high
    assert (difference["noise"], difference["differ"], difference["verdict"]) == ("sampling", None, "")


def test_studies_are_held_against_each_other_model_by_model(
    before: Path, after: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads(answer(capsys, str(before), str(after), "--json"))
    (group,) = told["groups"]  # the one model that both have
    assert set(group["models"].values()) == {"vae"}
    (row,) = group["tasks"]["unconditional"]
    assert row["differences"][str(after)]["difference"] == pytest.approx(-0.2)
    assert group["settings"][str(after)] == ["training.lr 1.0 -> 2.0"]


NAMES = {
    "workspace": ".",
    "results": "evaluation_results/toy",
    "summary": "evaluation_results/toy/summary.json",
    "run": "evaluation_results/toy/vae/run_seed0.json",
}


@pytest.mark.parametrize("kind", NAMES)
def test_a_side_is_found_by_any_of_its_names(
    kind: str, before: Path, after: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (str(before / NAMES[kind]), str(after / NAMES["run"]), "--json")
    told = json.loads(answer(capsys, *words))
    (row,) = told["groups"][0]["tasks"]["unconditional"]
    (difference,) = row["differences"].values()
    assert difference["difference"] == pytest.approx(-0.2) and difference["interval"] is not None


def test_a_summary_alone_has_figures_but_no_interval_of_a_difference(
    before: Path, after: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "summary.json"
    alone.write_text((before / NAMES["summary"]).read_text())
    told = json.loads(answer(capsys, str(alone), str(after), "--json"))
    (row,) = told["groups"][0]["tasks"]["unconditional"]
    assert row["values"][str(alone)]["mean"] == 0.5
    (difference,) = row["differences"].values()
    assert difference["interval"] is None and difference["verdict"] == ""


def test_tables_for_people(before: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("vae", "ddpm", "--dataset", "toy", "--workspace", str(before))
    text = answer(capsys, *words)
    assert "vae against ddpm" in text and "Count error [pieces] ↓" in text
    assert "sampling noise only" in text and "better or worse: one training each does not tell" in text
    assert "] worse" not in text and "] better" not in text
    markdown = answer(capsys, *words, "--markdown")
    head = next(line for line in markdown.splitlines() if line.startswith("| task"))
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert head.count("|") == 6 and {line.count("|") for line in rows} == {6}


def test_better_is_said_of_several_seeds_by_p_values_of_all_that_is_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    families = {"vae": 0.5, "ddpm": 0.9}
    place = study(tmp_path / "a", families, seeds=3)
    told = json.loads(answer(capsys, "vae", "ddpm", "--dataset", "toy", "--workspace", str(place), "--json"))
    difference = told["groups"][0]["tasks"]["unconditional"][0]["differences"]["ddpm"]
    assert (told["noise"], difference["verdict"], difference["differ"]) == (
        "training and sampling",
        "worse",
        True,
    )
    assert difference["p_adjusted"] == difference["p"]  # the only one
    other = study(tmp_path / "b", {"vae": 0.5, "ddpm": 0.1}, seeds=3)
    told = json.loads(answer(capsys, str(place), str(other), "--json"))  # a group each, one family of tests
    rows = {
        group["models"][str(place)]: group["tasks"]["unconditional"][0]["differences"][str(other)]
        for group in told["groups"]
    }
    assert rows["ddpm"]["verdict"] == "better" and rows["vae"]["verdict"] == ""
    assert rows["ddpm"]["p_adjusted"] == pytest.approx(2 * rows["ddpm"]["p"])
    assert "better" in answer(capsys, str(place), str(other), "--markdown")


def test_a_run_has_no_difference_from_itself_and_no_negative_one(
    before: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("vae", "vae:0", "--dataset", "toy", "--workspace", str(before))
    rows = json.loads(answer(capsys, *words, "--json"))["groups"][0]["tasks"]["unconditional"]
    told = [row["differences"]["vae:0"] for row in rows]
    assert {str(end) for each in told for end in (each["difference"], *each["interval"])} == {"0.0"}
    assert {each["verdict"] for each in told} == {""}


@pytest.mark.parametrize("keep", [0, 100])
def test_damaged_replicates_are_named(keep: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = study(tmp_path, {"vae": 0.5, "ddpm": 0.7})
    kept = Workspace(place).resamples("toy", "vae", 0)
    kept.write_bytes(kept.read_bytes()[:keep] + b"junk")
    words = ("vae", "ddpm", "--dataset", "toy", "--workspace", str(place))
    assert f"{kept} holds no arrays" in refused(capsys, *words, code=1)


def test_other_data_has_no_difference(
    before: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = study(tmp_path, {"vae": 0.1}, data_fingerprint="other")
    told = json.loads(answer(capsys, str(before), str(other), "--json"))
    (row,) = told["groups"][0]["tasks"]["unconditional"]
    assert row["differences"][str(other)]["interval"] is None
    assert any("different real designs" in warning for warning in told["warnings"])
    assert "data d -> other" in told["groups"][0]["settings"][str(other)]


def test_what_cannot_be_compared_is_refused_with_a_way_out(
    before: Path, after: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ("--dataset", "toy", "--workspace", str(before))
    assert "nothing to compare" in refused(capsys, str(before))
    assert "given twice" in refused(capsys, "vae", "vae", *here)
    assert "There are: ddpm:0, vae:0" in refused(capsys, "vae", "vea", *here)
    assert "add --dataset" in refused(capsys, "vae", "ddpm")
    assert "there are no results" in refused(capsys, str(tmp_path), str(before))
    assert "no model in common" in refused(
        capsys, str(study(tmp_path / "a", {"x": 0.1, "y": 0.1})), str(before)
    )
    old = tmp_path / "run_seed0.json"
    write_json(old, {**result("vae", 0, 0.1), "schema": 1})
    assert "schema 1" in refused(capsys, str(old), str(before))
    write_json(old, {key: part for key, part in result("vae", 0, 0.1).items() if key != "schema"})
    assert "schema None" in refused(capsys, str(old), str(before))
    write_json(old, {**result("vae", 0, 0.1), "dataset": "epure"})
    assert "different data sets: epure, toy" in refused(capsys, str(old), str(after / NAMES["run"]))


def through(kind: str) -> dict[str, Any]:
    """Provenance of figures that were taken through an extractor."""
    return {"extractors": {"domain": {"weights": kind}}}


def side(name: str, value: float, kind: str, summary: bool) -> comparison.Side:
    """A run that has a distance through an extractor, beside a figure that needs none."""
    made = result("vae", 0, 0.5, **through(kind))
    made["modes"]["unconditional"]["fd_domain"] = {"distance": figure(value)}
    if summary:
        return comparison.Side(name, (), {}, summarise("toy", [made], {}))
    return comparison.Side(name, (made,), {})


@pytest.mark.parametrize("summary", [False, True])
@pytest.mark.parametrize("same", [False, True])
def test_figures_through_different_extractors_are_not_subtracted(same: bool, summary: bool) -> None:
    kinds = ("x", "x" if same else "y", "x")
    sides = [
        side(name, value, kind, summary and name == "a")
        for name, value, kind in zip("abc", (3, 4, 5), kinds, strict=True)
    ]
    told = comparison.compare(sides)
    rows = {row["headline"]: row for row in told["groups"][0]["tasks"]["unconditional"]}
    assert rows["fd_domain"]["values"]["b"]["mean"] == 4.0
    assert set(rows["fd_domain"]["differences"]) == ({"b", "c"} if same else {"c"})
    assert set(rows["rce"]["differences"]) == {"b", "c"}
    lines = [line for line in told["warnings"] if "not subtracted" in line]
    assert len(lines) == (0 if same else 1)
    assert all(line.startswith("b and a have fd_domain") for line in lines)


def test_equal_studies_are_said_to_be_equal(
    before: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = study(tmp_path, {"vae": 0.5, "ddpm": 0.9})
    text = answer(capsys, str(before), str(again))
    assert text.count("nothing differs in") == 2
    assert "nothing differs in vae: the same settings and the same figures" in text
    other = study(tmp_path / "lr", {"vae": 0.5}, learning_rate=2.0)
    told = json.loads(answer(capsys, str(before), str(other), "--json"))
    assert [group["equal"] for group in told["groups"]] == [False]


class TestSettings:
    """They are those of the run that made the result, whatever was tried since."""

    def made(self, root: Path, rate: float) -> tuple[Path, Record]:
        """A study whose result names the weights that it came from."""
        place = study(root, {"vae": 0.5}, learning_rate=rate, weights_sha256="w")
        record = Record.read(Workspace(place).record(run_key(Stage.TRAIN, "vae", "toy", 0)))
        run = "outputs/vae_toy/2026-01-01_00-00-00"
        outputs = {"weights": Artefact(f"{run}/check/best.safetensors", "w", 1, 1)}
        done = replace(record, run=run, outputs=outputs)
        save(done, Workspace(place))
        return place, done

    def lines(self, one: Path, other: Path) -> list[str]:
        chosen = sides((str(one), str(other)), Workspace(one), None)
        return _settings(chosen, {each.name: "vae" for each in chosen})[str(other)]

    @pytest.mark.parametrize("status", ["failed", "started", "interrupted", "done"])
    def test_a_later_attempt_says_nothing(self, tmp_path: Path, status: str) -> None:
        one, _ = self.made(tmp_path / "one", 1.0)
        other, done = self.made(tmp_path / "other", 2.0)
        later = {"status": status, "run": "outputs/vae_toy/2026-02-02_00-00-00"}
        hashed = {**done.hashed, "training.lr": 77.0}
        save(replace(done, hashed=hashed, outputs={}, **later), Workspace(other))  # type: ignore[arg-type]
        assert self.lines(one, other) == ["training.lr 1.0 -> 2.0"]

    def test_what_is_not_on_record_is_said(self, tmp_path: Path) -> None:
        one, _ = self.made(tmp_path / "one", 1.0)
        other, done = self.made(tmp_path / "other", 2.0)
        (other / done.run / "record.json").unlink()
        replace(done, status="failed", outputs={}).write(Workspace(other))
        (line,) = self.lines(one, other)
        assert line.startswith("train: ")
        assert "no longer on record" in line
