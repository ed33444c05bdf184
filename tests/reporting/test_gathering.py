"""What the report stage gathers is what lies on disk, and it says so where something is gone or changed."""

from __future__ import annotations

import json
import shlex
import shutil
import webbrowser
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy import ndimage

from epuredgm.cli.report import open_page
from epuredgm.core.errors import BadRequest
from epuredgm.core.files import file_sha256, read_json, write_json
from epuredgm.core.jobs import Artefact, JobFile, Stage
from epuredgm.core.monitor import SILENT
from epuredgm.core.places import Workspace
from epuredgm.data.designs import Designs
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation import copies, nearness
from epuredgm.orchestration.plan import run_key
from epuredgm.orchestration.records import Attempt, Record, Records
from epuredgm.reporting.study import Family, Run
from epuredgm.stages import study
from epuredgm.stages.study import study_of
from epuredgm.stages.study_designs import SHOWN, Bench, pictured, with_neighbours
from epuredgm.stages.study_runs import run_of, troubles_of
from reporting import grey_study
from reporting.conftest import command
from reporting.study_makers import spec

MODEL = "one"


def designs(count: int = 30) -> Designs:
    rng = np.random.default_rng(0)
    return Designs(
        images=(rng.random((count, 2, 6, 4)) < 0.4).astype(np.uint8),
        ids=np.array([f"toy_{k}" for k in range(count)]),
        train=np.arange(count) < count - 10,
        conditions=np.linspace(2.0, 8.0, count)[:, None],
        condition_names=("width_px",),
        fingerprint="f" * 64,
    )


def samples(real: Designs, count: int, given: bool) -> SampleSet:
    rng = np.random.default_rng(1)
    rows = np.flatnonzero(~real.train)[:count]
    return SampleSet(
        images=(rng.random((count, 2, 6, 4)) < 0.4).astype(np.uint8),
        components=("a", "b"),
        conditions=real.conditions[rows].astype(np.float32),
        condition_names=("width_px",),
        ids=real.ids[rows],
        given=np.tile([given, False], (count, 1)),
        meta={},
    )


def evaluated(workspace: Workspace, real: Designs) -> Family:
    """A family whose sets of samples lie where its result says."""
    stated = {}
    for name in ("conditional", "inpainting/a"):
        mode, _, given = name.partition("/")
        path = workspace.samples(f"{MODEL}_toy", 0, mode, given or None) / "samples.npz"
        samples(real, 8, bool(given)).write(path)
        stated[name] = {"sha256": file_sha256(path), "meta": {}}
    result = {
        "model": MODEL,
        "dataset": "toy",
        "seed": 0,
        "provenance": {"data_fingerprint": real.fingerprint, "samples": stated},
    }
    run, notes = run_of(result, workspace, Records(workspace))
    return Family(MODEL, (run,), notes=notes)


def test_the_nearest_train_picture_is_the_one_that_the_privacy_gate_finds(tmp_path: Path) -> None:
    """Copies that were flipped, moved and darkened: by intensities alone other pictures are nearer."""
    rng = np.random.default_rng(3)
    smooth = ndimage.gaussian_filter(rng.random((24, 1, 64, 48)), (0, 0, 4, 4))
    images = np.rint(65535 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint16)
    real = Designs(
        images, np.array([f"p{k}" for k in range(24)]), np.arange(24) < 20, np.zeros((24, 0)), (), "f"
    )
    sources = [3, 11, 17]
    made = np.roll(images[sources][..., ::-1], 2, axis=2) // 3
    one = grey_study.gallery("conditional", 64, 0, False, False)
    one = replace(one, samples=made)
    bench = Bench(grey_study.spec(), real)
    (family,) = with_neighbours([Family(MODEL, (), galleries=(one,))], bench)
    (shown,) = family.galleries
    assert list(shown.nearest_ids) == [f"p{row}" for row in sources]
    by_gate = nearness.nearest(nearness.reduced(made, 65535), nearness.reduced(images[:20], 65535))
    np.testing.assert_array_equal(shown.distances, nearness.distances(by_gate.best))
    assert copies.correlation_of(float(shown.distances[0])) == pytest.approx(by_gate.best[0])


def test_shown_designs_have_their_nearest_train_design_and_their_truth(tmp_path: Path) -> None:
    real = designs()
    bench = Bench(spec(), real)
    family = pictured(evaluated(Workspace(tmp_path), real), bench, Workspace(tmp_path))
    (family,) = with_neighbours([family], bench)
    assert [(each.mode, each.given) for each in family.galleries] == [
        ("conditional", None),
        ("inpainting", "a"),
    ]
    train = real.split("train")
    for gallery in family.galleries:
        for k, design in enumerate(gallery.samples):
            apart = [int((design != other).sum()) for other in train.images]
            assert gallery.distances[k] == min(apart)
            row = apart.index(min(apart))
            assert gallery.nearest_ids[k] == train.ids[row]
            assert (gallery.nearest[k] == train.images[row]).all()
    plain, around = family.galleries
    assert plain.truth is None and around.truth is not None
    for name, truth in zip(around.truth_ids, around.truth, strict=True):
        assert (truth == real.images[real.ids.tolist().index(name)]).all()
    (adherence,) = family.adherence  # of the set without a given component
    assert len(adherence.asked) == 8 and adherence.train_range == bench.train_ranges()["width_px"]


def test_samples_that_were_not_evaluated_are_not_shown(tmp_path: Path) -> None:
    real, workspace = designs(), Workspace(tmp_path)
    family = evaluated(workspace, real)
    place = workspace.samples(f"{MODEL}_toy", 0, "conditional") / "samples.npz"
    samples(real, 5, False).write(place)
    (workspace.samples(f"{MODEL}_toy", 0, "inpainting", "a") / "samples.npz").unlink()
    made = pictured(family, Bench(spec(), real), workspace)
    assert made.galleries == ()
    told = " ".join(made.notes)
    assert (
        "not the ones that were evaluated" in told and "inpainting/a: not shown, the samples are gone" in told
    )


def test_pictures_of_other_data_are_not_shown(tmp_path: Path) -> None:
    real, workspace = designs(), Workspace(tmp_path)
    family = evaluated(workspace, real)
    made = pictured(family, Bench(spec(), replace(real, fingerprint="0" * 64)), workspace)
    assert made.galleries == () and "other data" in made.notes[-1]


def test_shown_rows_reach_from_the_first_to_the_last(tmp_path: Path) -> None:
    real = designs(200)
    bench = Bench(spec(), replace(real, train=np.arange(200) < 50))
    rows = np.flatnonzero(~bench.designs.train)
    shown = bench.real()
    assert (shown[0] == real.images[rows[0]]).all() and (shown[-1] == real.images[rows[-1]]).all()
    assert SHOWN < len(shown) < len(rows)


def trained(workspace: Workspace, **changed: object) -> Record:
    """The record of a training, with weights, curves and what it learned."""
    folder = workspace.runs(f"{MODEL}_toy") / "now"
    (folder / "check").mkdir(parents=True)
    tensors = {
        "live.w": np.zeros((3, 4), np.float32),
        "ema.w": np.zeros((3, 4), np.float32),
        "live.b": np.zeros(5),
    }
    save_file(tensors, folder / "check/best.safetensors")
    lines = [
        {"phase": "main", "kind": "train", "step": 1, "terms": {"all.loss": 3.0, "all.kl": 9.0}},
        {"phase": "main", "kind": "train", "step": 2, "terms": {"all.loss": None}},
        {"phase": "main", "kind": "validation", "step": 2, "terms": {"loss": 2.0}},
    ]
    broken = '\n{"phase": "ma'  # the power went
    (folder / "history.jsonl").write_text("\n".join(map(json.dumps, lines)) + broken)
    write_json(folder / "learned.json", {"codes": 7})
    record = Record(
        key=run_key(Stage.TRAIN, MODEL, "toy", 0),
        stage=Stage.TRAIN,
        dataset="toy",
        model=MODEL,
        seed=0,
        mode=None,
        profile="test",
        fingerprint="f",
        hashed={},
        status="done",
        seconds=12.5,
        peak_memory=10**9,
        device="cpu",
        run=workspace.relative(folder),
    )
    return replace(record, **changed)  # type: ignore[arg-type]


def run_with(workspace: Workspace) -> tuple[Run, tuple[str, ...]]:
    result = {"model": MODEL, "dataset": "toy", "seed": 0, "provenance": {"samples": {"conditional": {}}}}
    return run_of(result, workspace, Records(workspace))


def test_curves_cost_and_learning_are_read_from_the_run(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    trained(workspace).write(workspace)
    timing = {"designs": 10, "seconds": 1.0, "seconds_per_1000": 100.0, "evaluations": 7, "device": "cpu"}
    write_json(workspace.samples(f"{MODEL}_toy", 0, "conditional") / "timing.json", timing)
    run, notes = run_with(workspace)
    assert notes == ()
    assert run.cost.parameters == 3 * 4 + 5  # averages are another copy
    assert (run.cost.training_seconds, run.cost.peak_memory) == (12.5, 10**9)
    assert (run.cost.seconds_per_1000, run.cost.evaluations) == (100.0, 7.0)
    (phase,) = run.phases
    assert {name: (each.steps, each.values) for name, each in phase.curves.items()} == {
        "train all": ((1.0,), (3.0,)),
        "validation": ((2.0,), (2.0,)),
    }
    assert run.learned == {"codes": 7}
    assert run.folder == f"outputs/{MODEL}_toy/now"


def test_a_run_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    record = trained(workspace)
    record.write(workspace)
    shutil.rmtree(tmp_path / record.run)
    run, notes = run_with(workspace)
    assert "gone" in notes[0]
    assert (run.folder, run.phases, run.learned, run.cost.parameters) == ("", (), {}, None)
    assert run.cost.training_seconds == 12.5  # the record knows


def test_failed_jobs_and_what_waits_for_them_are_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    attempt = Attempt(start="2026-01-01T00:00:00+00:00", host="h", boot="b", pid=1, token="t")
    trained(workspace, status="failed", error="no memory", log="logs/x.log", attempts=(attempt,)).write(
        workspace
    )
    first, second = troubles_of("toy", set(), workspace)
    assert (first.job, first.status, first.error, first.log) == (
        f"train/{MODEL}_toy/seed0",
        "failed",
        "no memory",
        "logs/x.log",
    )
    assert (second.job, second.status) == (f"evaluate/{MODEL}_toy/seed0", "blocked")
    assert first.job in second.error
    assert [each.status for each in troubles_of("toy", {(MODEL, 0)}, workspace)] == ["failed"]
    assert troubles_of("other", set(), workspace) == ()


def test_a_report_without_a_summary_says_so(tmp_path: Path) -> None:
    nothing: dict[str, Artefact] = {}
    job = JobFile(
        "report/toy", Stage.REPORT, "toy", None, None, None, {}, "f", {}, str(tmp_path), "", nothing, "log"
    )
    with pytest.raises(BadRequest, match="no summary of the runs on toy"):
        study_of(job, SILENT)
    assert list(tmp_path.iterdir()) == []


def test_who_has_no_browser_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for started in (True, False):
        monkeypatch.setattr(webbrowser, "open", lambda address, started=started: started)
        open_page(tmp_path / "report.html")
        assert ("no browser" in capsys.readouterr().err) == (not started)


@pytest.mark.slow
def test_the_report_command_writes_the_page_anew_with_what_went_wrong_since(
    real_workspace: Path, tmp_path: Path
) -> None:
    workspace = Workspace(shutil.copytree(real_workspace, tmp_path / "copy", symlinks=True), "test_runs")
    page = workspace.report_page("toy")
    before = page.read_text()
    words = ("report", "--dataset", "toy", "--profile", "test", "--workspace", str(workspace.root))
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{tmp_path}/shown"\n')
    browser.chmod(0o755)
    assert command(*words, "--open", BROWSER=f"{browser} %s").splitlines()[-1] == str(page)
    assert (tmp_path / "shown").read_text().strip() == page.as_uri()
    assert page.read_text() == before  # nothing has changed: not a byte
    record = Records(workspace).get("sample/vae_toy/seed0/conditional")
    assert record is not None
    replace(record, status="failed", error="the <disk> is full").write(workspace)
    answer = json.loads(command(*words, "--json"))
    assert answer["failed"] == 0
    assert "the &lt;disk&gt; is full" in page.read_text()
    assert read_json(workspace.summary("toy"))["num_models"] == 2


def test_no_folder_of_the_machine_is_told(tmp_path: Path) -> None:
    """Of a hospital's data, even the name of a folder may say whose they are."""
    workspace = Workspace(tmp_path)
    trained(
        workspace,
        key="prepare/toy",
        stage=Stage.PREPARE,
        model=None,
        seed=None,
        hashed={
            "dataset.reader.root": "../ward_doe",
            "dataset.reader.density": "/ward_doe/d.csv",
            "dataset.bits": 8,
        },
    ).write(workspace)
    typed = ["epuredgm", "run", "--dataset", "toy", "--workspace", "/ward_doe", "dataset.root=ward_doe"]
    typed += [
        "--inception-weights",
        "/ward_doe/w.pth",
        "vae:training.lr=0.1",
        "dataset.reader.density=C:/ward_doe/d",
    ]
    entry = {"jobs": {"train": {"dataset": "toy", "model": "vae"}}, "command": shlex.join(typed)}
    write_json(workspace.logs / "now" / "state.json", entry)
    told = study._settings("toy", [], workspace)
    assert told == {
        "dataset.reader.root": "FOLDER",
        "dataset.reader.density": "FOLDER",
        "dataset.bits": 8,
        "evaluation": {},
    }
    (said,) = study._typed("toy", workspace)
    assert "ward_doe" not in said and "dataset.root=FOLDER" in said and "vae:training.lr=0.1" in said
