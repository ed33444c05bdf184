"""``epuredgm export`` from the command line: a whole folder or none, and a message that helps."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from release_makers import COUNT, GATE, Study, make_study, write_films

from epuredgm.cli import main
from epuredgm.core.errors import BadRequest, CorruptArtefact, Interrupted
from epuredgm.core.files import read_json
from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.data import release as writer
from epuredgm.data.samples import SampleSet
from epuredgm.stages.release_tool import export


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path)


def command(study: Study, *words: object) -> list[str]:
    places = ["--conf", study.conf, "--workspace", study.workspace.root, "--profile", "quick"]
    return [str(word) for word in ("export", "--dataset", "films", "--models", "vae", *places, *words)]


def exits(words: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


def request(study: Study, to: Path, **changed: Any) -> dict[str, Any]:
    return {
        "workspace": str(study.workspace.root), "branch": "", "config": study.config, "runs": [["vae", 0]],
        "mode": "conditional", "format": "png", "to": str(to), **changed,
    }  # fmt: skip


def nothing_new(folder: Path, before: set[Path]) -> bool:
    return set(folder.rglob("*")) == before


@pytest.mark.parametrize("form", ["png", "dicom"])
def test_a_release_is_whole_and_its_manifest_true(study: Study, tmp_path: Path, form: str) -> None:
    to = tmp_path / "synthetic"
    answer = subprocess.run(
        [sys.executable, "-m", "epuredgm", *command(study, "--to", to, "--format", form, "--json")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(answer.stdout)["pictures"] == COUNT
    manifest = read_json(to / "manifest.json")
    (made,) = manifest["sets"]
    assert manifest["what"].startswith("SYNTHETIC") and manifest["data_fingerprint"] == study.fingerprint
    assert (made["model"], made["seed"], made["mode"], made["pictures"]) == ("vae", 0, "conditional", COUNT)
    assert made["gate"]["passed"] is True and made["samples_sha256"] == hashed(study.sample_file())
    assert ("mm_per_pixel" in manifest) == (form == "dicom")
    files = {path.relative_to(to).as_posix() for path in to.rglob("*") if path.is_file()}
    assert files == {*manifest["files"], "manifest.json"}
    for name, about in manifest["files"].items():
        assert hashed(to / name) == about["sha256"] and about["conditions"]["view"] in ("CC", "MLO")
    assert "woman" not in (to / "manifest.json").read_text() and str(tmp_path) not in json.dumps(manifest)


def hashed(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_exported_pngs_are_stamped_and_face_their_way(study: Study, tmp_path: Path) -> None:
    export(request(study, tmp_path / "out"), SILENT)
    samples = SampleSet.read(study.sample_file())
    for row in range(COUNT):
        content = (tmp_path / "out" / "vae_seed0" / "conditional" / f"{row:05d}.png").read_bytes()
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.text["Synthetic"].startswith("SYNTHETIC")  # type: ignore[attr-defined]
            levels = np.asarray(picture)
        expected = samples.images[row, 0]
        assert np.array_equal(levels, expected[:, ::-1] if samples.conditions[row, 1] else expected)


def test_a_closed_gate_leaves_nothing(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study.evaluate({**GATE, "passed": False, "reasons": ["copies"]})
    before = set(tmp_path.rglob("*"))
    assert exits(command(study, "--to", tmp_path / "out")) == 2
    said = capsys.readouterr().err
    assert "vae on films, seed 0, conditional: the privacy gate: failed, so it did not pass (copies)" in said
    assert "Traceback" not in said and nothing_new(tmp_path, before)


def test_data_that_changed_shut_the_gate(study: Study, tmp_path: Path) -> None:
    write_films(study.workspace.data("films"), seed=1)
    export(request(study, tmp_path / "one"), SILENT)  # until they are read again, the data are as prepared
    (entry,) = (path.parent for path in study.workspace.cache.glob("films-*/entry.json"))
    picture = next(path for path in entry.iterdir() if path.suffix == ".npy")
    picture.write_bytes(picture.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptArtefact):
        export(request(study, tmp_path / "two"), SILENT)
    study.workspace.record("prepare/films").unlink()
    with pytest.raises(BadRequest, match="has not been prepared"):
        export(request(study, tmp_path / "two"), SILENT)
    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize("kind", ["full", "empty", "file", "link", "dangling"])
def test_nothing_is_overwritten_and_no_link_followed(study: Study, tmp_path: Path, kind: str) -> None:
    elsewhere, to = tmp_path / "elsewhere", tmp_path / "out"
    if kind == "file":
        to.write_text("mine")
    elif kind in ("full", "empty"):
        to.mkdir()
        if kind == "full":
            (to / "mine").write_text("mine")
    else:
        to.symlink_to(elsewhere)
        if kind == "link":
            elsewhere.mkdir()
    before = set(tmp_path.rglob("*"))
    assert exits(command(study, "--to", to)) == 2
    with pytest.raises(BadRequest, match="never overwrites"):
        export(request(study, to), SILENT)
    assert nothing_new(tmp_path, before)


@pytest.mark.parametrize("where", [".", "..", "/"])
def test_a_folder_that_is_there_under_another_name_is_refused(study: Study, where: str) -> None:
    assert exits(command(study, "--to", where)) == 2


def test_dots_in_the_way_lead_where_they_say(study: Study, tmp_path: Path) -> None:
    assert exits(command(study, "--to", tmp_path / "a" / ".." / "out")) == 0
    assert (tmp_path / "out" / "manifest.json").is_file() and not (tmp_path / "a").exists()


def test_a_failure_half_way_leaves_nothing(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(tmp_path.rglob("*"))
    monkeypatch.setattr(writer, "png", full_disk)
    with pytest.raises(OSError, match="full"):
        export(request(study, tmp_path / "out"), SILENT)
    monkeypatch.undo()
    with pytest.raises(Interrupted):
        export(request(study, tmp_path / "out"), Impatient())
    assert nothing_new(tmp_path, before)


def test_of_two_exports_at_once_the_first_stays(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to, draw = tmp_path / "out", writer.png

    def faster(*words: Any, **others: Any) -> bytes:
        to.mkdir(exist_ok=True)
        (to / "theirs").touch()
        return draw(*words, **others)

    monkeypatch.setattr(writer, "png", faster)
    with pytest.raises(BadRequest, match="never overwrites"):
        export(request(study, to), SILENT)
    assert [path.name for path in to.iterdir()] == ["theirs"] and not list(tmp_path.glob(".out*"))


def full_disk(*_: Any, **__: Any) -> bytes:
    raise OSError(28, "the disk is full")


class Impatient(Monitor):
    def stopping(self) -> bool:
        return True


def test_data_prepared_under_other_settings_are_named(study: Study, tmp_path: Path) -> None:
    config = {**study.config, "dataset": {**study.config["dataset"], "conditions": "none"}}
    config["dataset"]["condition_sets"] = {"none": {}}
    config["dataset"]["side"] = None
    with pytest.raises(BadRequest, match=r"prepared under other settings: dataset\.condition_columns"):
        export(request(study, tmp_path / "out", config=config), SILENT)


def test_reconstructions_and_unconditional_mammograms_do_not_leave(study: Study, tmp_path: Path) -> None:
    assert exits(command(study, "--to", tmp_path / "out", "--mode", "reconstruction")) == 2
    with pytest.raises(BadRequest, match="not generated"):
        export(request(study, tmp_path / "out", mode="reconstruction"), SILENT)
    study.draw("unconditional")
    study.evaluate(mode="unconditional")
    with pytest.raises(BadRequest, match="no sample can be written as dicom: view or side"):
        export(request(study, tmp_path / "out", mode="unconditional", format="dicom"), SILENT)
    assert not (tmp_path / "out").exists()


def test_patches_do_not_leave_as_mammograms(study: Study, tmp_path: Path) -> None:
    dataset = study.config["dataset"]
    patches = {**dataset, "reader": {**dataset["reader"], "patches": {"canvas": 1024}}}
    with pytest.raises(BadRequest, match="no whole views"):
        export(
            request(study, tmp_path / "out", format="dicom", config={**study.config, "dataset": patches}),
            SILENT,
        )


def test_what_is_not_evaluated_is_named(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exits(command(study, "--to", tmp_path / "out", "--seeds", "0,7")) == 2
    assert "vae on films, seed 7, conditional: it has no finished evaluation" in capsys.readouterr().err
    assert exits(command(study, "--to", tmp_path / "out", "--seeds", "x")) == 2
    study.workspace.record("evaluate/vae_films/seed0").unlink()
    assert exits(command(study, "--to", tmp_path / "out")) == 2
    assert "First: epuredgm run --dataset films" in capsys.readouterr().err


def test_run_png_of_a_private_data_set_points_to_the_gate(
    study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--conf", str(study.conf), "--workspace", str(study.workspace.root), "--profile", "quick"]
    assert exits(["run", "--dataset", "films", "--models", "vae", *words, "--png", "--dry-run"]) == 2
    assert "epuredgm export --dataset films" in capsys.readouterr().err
    assert exits(["run", "--dataset", "films", "--models", "vae", *words, "--dry-run"]) == 0


def test_help_is_light_and_teaches() -> None:
    code = (
        "import sys\nfrom epuredgm.cli import main\n"
        "try:\n    main(['export', '--help'])\nfinally:\n"
        "    heavy = [n for n in ('torch', 'numpy', 'pandas', 'PIL', 'pydicom') if n in sys.modules]\n"
        "    assert not heavy, heavy\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "SYNTHETIC" in answer.stdout and "--format [png|dicom]" in answer.stdout
