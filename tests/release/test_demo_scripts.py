"""The two scripts really do what they say: pictures from nothing, and a loss that falls."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def script(name: str) -> ModuleType:
    about = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert about is not None and about.loader is not None
    module = importlib.util.module_from_spec(about)
    about.loader.exec_module(module)
    return module


def on_toy(module: ModuleType, *words: str) -> ModuleType:
    """The same script for a study that needs no phantom."""
    module.DATASET, module.MODEL = "toy", "vae"  # type: ignore[attr-defined]
    module.SHORT = ("dataset.reader.count=200", *words)  # type: ignore[attr-defined]
    return module


@pytest.mark.slow
def test_the_demo_says_where_its_picture_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    demo = on_toy(script("demo"), "training.steps=5")
    assert demo.main(["--workspace", str(tmp_path)]) == 0
    picture = Path(capfd.readouterr().out.split("picture: ")[1].strip())
    assert picture.is_file() and tmp_path in picture.parents


@pytest.mark.slow
def test_quick_train_shows_the_loss_falling(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    quick = on_toy(script("quick_train"), "training.steps=40", "training.log_every=2")
    assert quick.main(["--workspace", str(tmp_path)]) == 0
    assert "loss " in capfd.readouterr().out


def test_a_run_that_cannot_start_is_a_failure_of_the_script(tmp_path: Path) -> None:
    quick = on_toy(script("quick_train"))
    assert quick.main(["--workspace", str(tmp_path), "training.stepz=3"]) == 2


def test_a_loss_that_rises_is_told_apart(tmp_path: Path) -> None:
    quick = script("quick_train")
    history = tmp_path / "history.jsonl"
    lines = [("main", "train", 3.0), ("main", "validation", 9.0), ("main", "train", 1.0)]
    history.write_text(
        "".join(
            f'{{"kind":"{kind}","phase":"{phase}","terms":{{"all.loss":{loss}}}}}\n'
            for phase, kind, loss in [*lines, ("prior", "train", 7.0)]
        )
    )
    assert quick.first_phase(history) == [3.0, 1.0]


@pytest.mark.slow
def test_the_demo_on_the_phantom(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    few = ["training.steps=20", "training.phases.prior.steps=10"]
    words = ["--workspace", str(tmp_path), "--num-samples", "8", *few]
    assert script("demo").main(words) == 0
    assert Path(capfd.readouterr().out.split("picture: ")[1].strip()).is_file()


@pytest.mark.slow
def test_quick_train_on_the_phantom(tmp_path: Path) -> None:
    assert script("quick_train").main(["--workspace", str(tmp_path), "training.steps=60"]) == 0
