"""``epuredgm data`` from the outside: one YAML adds a data set; faults are one message and an exit code."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import yaml
from data_makers import write_gears
from PIL import Image

from epuredgm.config import find_conf
from epuredgm.data.mammography.phantom_variants import VARIANTS, base_exposure
from epuredgm.data.pictures import encode

YAML = """\
# @package _global_
dataset:
  name: gears
  description: rings and hubs
  reader:
    _target_: epuredgm.data.folders.FolderReader
    root: ${dataset.root}
    table: list.csv
    pattern: "{prefix}-{component}.view.png"
    prefix_case: keep
    id_column: part
    split_column: train
  size: [12, 20]
  values: binary
  exclusive: false
  mirrored: false
  components:
    ring: {label: ring, color: "#3b6fb6"}
    hub: {label: hub, color: "#e07b39"}
  conditions: size
  condition_sets:
    size:
      teeth: {unit: "", measure: null}
  normalized: false
  validation_fraction: 0.2
"""
TOY = ("dataset.reader.count=20", "dataset.reader.seed=1")


def data(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from epuredgm.cli import main; main()", "data", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    copied = Path(shutil.copytree(find_conf().root, tmp_path / "conf"))
    (copied / "dataset" / "gears.yaml").write_text(YAML)
    return copied


@pytest.mark.parametrize("form", ["dcm", "png"])
def test_a_name_in_one_breast_refuses_the_data_set_and_the_answer_says_where(
    tmp_path: Path, form: str
) -> None:
    root, taken = tmp_path / "films", base_exposure()
    root.mkdir()
    names = {"presentation_12": "women1", "burned_in_breast": "women2"}
    lines = ["File Path,Image Laterality,View Position,Age,Cancer,False Positive"]
    for variant, woman in names.items():
        content = VARIANTS[variant].content(taken, variant)
        place = root / "normal" / woman / "left" / "MLO" / f"1.{form}"
        place.parent.mkdir(parents=True)
        place.write_bytes(content if form == "dcm" else as_png(content))
        lines.append(f"{place.relative_to(root)},L,MLO,58,0,0")
    (root / "metadata.csv").write_text("\n".join(lines) + "\n")
    words = ("make", "nlbs", "--workspace", tmp_path, f"dataset.root={root}", "dataset.reader.workers=1")
    said = data(*words, "--json")
    told = json.loads(said.stdout)
    assert said.returncode == 1 and (told["refused"], told["files"], told["rows"]) == (1, 2, [3])
    assert any("over the breast" in finding for finding in told["findings"])
    listed = Path(told["list"]).read_text()
    assert Path(told["list"]).is_relative_to(tmp_path) and listed.splitlines()[1].startswith("3,")
    assert "1 of 2 files are not de-identified: table row 3; the whole list: " in said.stderr
    assert "women2" not in said.stderr + said.stdout + listed and "DOE" not in listed


def as_png(content: bytes) -> bytes:
    dataset = pydicom.dcmread(io.BytesIO(content))
    file = io.BytesIO()
    Image.fromarray(dataset.pixel_array.astype(np.uint16) << 4).save(file, "PNG")
    return file.getvalue()


@pytest.mark.slow
def test_one_yaml_is_a_data_set(conf: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    designs = write_gears(workspace / "data" / "gears")
    options = ("--conf", conf, "--workspace", workspace)
    listed = json.loads(data("list", *options, "--json").stdout)
    assert {row["name"]: row["state"] for row in listed}["gears"] == "12 files"
    about = json.loads(data("inspect", "--dataset", "gears", *options, "--json").stdout)
    assert about["splits"] == {"train": 4, "test": 2}
    assert about["areas"]["hub"]["mean"] == pytest.approx(designs[:, 1].sum() / 6)
    exported = data("export", "--dataset", "gears", "--to", tmp_path / "out", *options)
    assert exported.returncode == 0 and (tmp_path / "out" / "test" / "full" / "g2_full.png").is_file()


def test_faults_are_one_message_without_a_traceback(conf: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "ws"
    options = ("--dataset", "gears", "--conf", conf, "--workspace", workspace)
    missing = data("make", *options)
    assert missing.returncode == 2 and "does not exist" in missing.stderr
    write_gears(workspace / "data" / "gears")
    (workspace / "data/gears/train/hub/g0-hub.view.png").write_bytes(b"broken")
    (workspace / "data/gears/test/hub/g2-hub.view.png").unlink()
    broken = data("make", *options)
    assert broken.returncode == 1
    assert "row 2" in broken.stderr and "row 4" in broken.stderr
    for result in (missing, broken, data("make", "--dataset", "geers", "--conf", conf)):
        assert "Traceback" not in result.stderr and result.returncode in (1, 2)
        assert result.stdout == ""


def test_a_study_of_designs_whose_ink_is_lost_in_the_test_split_is_refused(
    conf: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "ws"
    designs = write_gears(workspace / "data" / "gears")
    for row in (2, 5):
        for k, name in enumerate(("ring", "hub")):
            file = workspace / "data/gears/test" / name / f"g{row}-{name}.view.png"
            file.write_bytes(encode(designs[row, k]))  # stored as 0 and 1
    command = ["run", "--dataset", "gears", "--models", "vae", "--profile", "test", "--conf", str(conf)]
    code = "from epuredgm.cli import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, *command, "--workspace", str(workspace)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert "row 4: test/hub/g2-hub.view.png has something drawn" in run.stdout + run.stderr
    assert not list(workspace.rglob("samples.npz")) and not list(workspace.rglob("summary.json"))


@pytest.mark.slow
def test_toy_make_inspect_export_with_picture(tmp_path: Path) -> None:
    options = ("--dataset", "toy", "--workspace", tmp_path, *TOY)
    made = data("make", *options)
    assert made.returncode == 0 and "16 train and 4 test designs" in made.stdout, made.stderr
    seen = data("inspect", *options, "--picture", tmp_path / "sheet.png")
    assert seen.returncode == 0 and (tmp_path / "sheet.png").is_file() and "group_km" in seen.stdout, (
        seen.stderr
    )
    only = data("export", *options, "--subset", "10", "--only-subset", "--json")
    assert json.loads(only.stdout) == {"folder": str(tmp_path / "data" / "toy_10"), "designs": 10}
    again = data("export", *options, "--subset", "10", "--only-subset")
    assert again.returncode == 2 and "not empty" in again.stderr
    assert data("export", *options, "--only-subset").returncode == 2


def test_the_command_itself_stays_light() -> None:
    code = (
        "import sys, epuredgm.cli.data; "
        "sys.exit(any(m in sys.modules for m in ('numpy', 'pandas', 'torch', 'PIL', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_example_of_the_manual_is_this_one() -> None:
    manual = Path(__file__).parents[2] / "docs" / "data.md"
    block = manual.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    documented, tested = yaml.safe_load(block)["dataset"], yaml.safe_load(YAML)["dataset"]
    assert documented.keys() == tested.keys()
    assert documented["reader"].keys() == tested["reader"].keys()
