"""A workspace with a small grey data set, samples and their evaluation, as the jobs would have left it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from epuredgm.config import compose, find_conf
from epuredgm.core.files import read_json, write_json
from epuredgm.core.jobs import JobFile, Stage
from epuredgm.core.monitor import SILENT
from epuredgm.core.places import Workspace
from epuredgm.core.spec import DataSpec
from epuredgm.data.pictures import encode
from epuredgm.data.samples import SampleSet
from epuredgm.orchestration.artefacts import artefact
from epuredgm.orchestration.fingerprint import facts, hashed
from epuredgm.orchestration.records import Attempt, Record
from epuredgm.stages import prepare
from epuredgm.stages.data_sets import designs_of, spec_of

CONF = Path(__file__).parents[2] / "conf"
SIZE = 32
COUNT = 6
FILMS = """# @package _global_
dataset:
  name: films
  description: grey pictures of nothing
  reader:
    _target_: epuredgm.data.folders.FolderReader
    root: null
    table: list.csv
    pattern: "{prefix}.png"
    prefix_case: keep
    id_column: name
    split_column: train
  size: [32, 32]
  values: grey
  exclusive: false
  mirrored: false
  side: laterality
  private: true
  components:
    breast: {label: breast, color: "#888888"}
  conditions: all
  condition_sets:
    all:
      view: {values: [CC, MLO], optional: true}
      laterality: {values: [L, R], optional: true}
      age: {unit: years, optional: true}
  normalized: false
  validation_fraction: 0.1
"""
GATE = {
    "passed": True,
    "reasons": [],
    "copied": 0,
    "counts": {"generated": COUNT, "train": 8},
    "limits": {"correlation": 0.98},
    "nearest": [{"generated": 0, "train": "woman3", "distance": 0.1, "correlation": 0.2}],
}


@dataclass
class Study:
    """One evaluated run of a model called ``vae``, which the tests then damage."""

    conf: Path
    workspace: Workspace
    spec: DataSpec
    fingerprint: str
    config: dict[str, Any]

    @property
    def result_file(self) -> Path:
        return self.workspace.result("films", "vae", 0)

    def sample_file(self, mode: str = "conditional") -> Path:
        return self.workspace.samples("vae_films", 0, mode) / "samples.npz"

    def draw(self, mode: str = "conditional", **changed: Any) -> None:
        """Write samples of which every left column is bright, so that their facing can be seen."""
        images = np.random.default_rng(1).integers(0, 100, (COUNT, 1, SIZE, SIZE)).astype(np.uint8)
        images[..., :2] = 250
        ages = np.linspace(40, 95, COUNT)
        rows = np.stack([np.arange(COUNT) % 2, np.arange(COUNT) // 2 % 2, ages], axis=1)
        samples = SampleSet(
            images=images,
            components=self.spec.component_names,
            conditions=(rows if mode == "conditional" else rows * np.nan).astype(np.float32),
            condition_names=self.spec.condition_names,
            ids=np.array([f"woman{8 + row}" for row in range(COUNT)]),
            given=np.zeros((COUNT, 1), bool),
            meta={
                "model": "vae",
                "dataset": "films",
                "seed": 0,
                "mode": mode,
                "weights": "w" * 64,
                "data_fingerprint": self.fingerprint,
            },
        )
        replace(samples, **changed).write(self.sample_file(mode))

    def evaluate(self, gate: Mapping[str, Any] | None = GATE, mode: str = "conditional") -> None:
        """Write a result with this gate, and the record that vouches for it."""
        block = {"counts": {"drawn": COUNT, "compared": COUNT}, **({"privacy": dict(gate)} if gate else {})}
        samples = artefact(self.sample_file(mode), self.workspace)
        meta = dict(SampleSet.read(self.sample_file(mode)).meta)
        result = {
            "schema": 2, "model": "vae", "dataset": "films", "seed": 0, "profile": "quick",
            "mode": mode, "metrics": block, "modes": {mode: block},
            "provenance": {
                "data_fingerprint": self.fingerprint,
                "samples": {mode: {"sha256": samples.sha256, "meta": meta}},
            },
        }  # fmt: skip
        write_json(self.result_file, result)
        self.record("evaluate/vae_films/seed0", Stage.EVALUATE, result=self.result_file)

    def record(self, key: str, stage: Stage, **outputs: Path) -> None:
        """Say that a job has made these files."""
        made = {name: artefact(path, self.workspace) for name, path in outputs.items()}
        whole = stage is Stage.PREPARE
        done = Attempt.begin()
        Record(
            key=key, stage=stage, dataset="films", model=None if whole else "vae", seed=None if whole else 0,
            mode=None, profile="quick", fingerprint="f", hashed=hashed(stage, facts(self.config)),
            status="done", outputs=made,
            attempts=(replace(done, end=done.start, seconds=0.0, exit_class="ok"),),
        ).write(self.workspace)  # fmt: skip

    def edit_result(self, **changed: Any) -> None:
        """Change the result's file without its job."""
        write_json(self.result_file, {**read_json(self.result_file), **changed})


def make_study(root: Path) -> Study:
    """The data set made, samples drawn, and a gate passed on them."""
    conf = root / "conf"
    shutil.copytree(CONF, conf)
    (conf / "dataset" / "films.yaml").write_text(FILMS)
    workspace = Workspace(root / "work")
    write_films(workspace.data("films"))
    config = compose(find_conf(conf), "films", "vae", "quick")
    job = JobFile(
        key="prepare/films", stage=Stage.PREPARE, dataset="films", model=None, seed=None, mode=None, log="",
        config=config, fingerprint="", hashed={}, workspace=str(workspace.root), branch="", inputs={},
    )  # fmt: skip
    entry = prepare.run(job, SILENT)["designs"]
    designs = designs_of(replace(job, inputs={"designs": artefact(entry, workspace)}))
    study = Study(conf, workspace, spec_of(job), designs.fingerprint, config)
    study.record("prepare/films", Stage.PREPARE, designs=entry)
    study.draw()
    study.evaluate()
    return study


def write_films(folder: Path, seed: int = 0) -> None:
    """Twelve pictures, eight of them train."""
    rng = np.random.default_rng(seed)
    lines = ["name,train,view,laterality,age\n"]
    for row in range(12):
        split = "train" if row < 8 else "test"
        place = folder / split / "breast"
        place.mkdir(parents=True, exist_ok=True)
        picture = rng.integers(0, 256, (SIZE, SIZE)).astype(np.uint8)
        (place / f"woman{row}.png").write_bytes(encode(picture))
        lines.append(f"woman{row},{row < 8},{row % 2},{row // 2 % 2},{50 + row}\n")
    (folder / "list.csv").write_text("".join(lines))
