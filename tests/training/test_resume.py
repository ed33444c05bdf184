"""A resumed training equals an unbroken one bit for bit, wherever and however it was stopped."""

from __future__ import annotations

import multiprocessing
import random
import signal
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest
import torch
import training_breaks as breaks
import training_fakes as fakes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from epuredgm.core.errors import CorruptArtefact, Interrupted
from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.data.weights import Weights
from epuredgm.training import checkpoint
from epuredgm.training.checkpoint import Checkpoints
from epuredgm.training.snapshot import Snapshot
from epuredgm.training.trainer import Trained


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, bytes]]:
    """The files of an unbroken run, by family."""
    known: dict[str, dict[str, bytes]] = {}

    def made(kind: str) -> dict[str, bytes]:
        if kind not in known:
            known[kind] = files(fakes.run(kind, tmp_path_factory.mktemp(kind))[1])
        return known[kind]

    return made


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServerContext]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["epuredgm.training.trainer"])
    yield context


def files(trained: Trained) -> dict[str, bytes]:
    folder = trained.weights.parent
    assert sorted(path.name for path in folder.iterdir()) == ["best.safetensors", "last.safetensors"]
    return {path.name: path.read_bytes() for path in (trained.weights, trained.last, trained.history)}


@pytest.mark.parametrize("kind", fakes.FAMILIES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stops=st.lists(st.integers(1, 25), min_size=1, max_size=4), often=st.booleans())
def test_orderly_stops(
    kind: str,
    stops: list[int],
    often: bool,
    tmp_path_factory: pytest.TempPathFactory,
    unbroken: Callable[[str], dict[str, bytes]],
) -> None:
    folder = tmp_path_factory.mktemp("stopped")
    trained = breaks.until_done(kind, folder, stops, checkpoint_seconds=0.0 if often else 1e9)
    assert files(trained) == unbroken(kind)


def killed(server: ForkServerContext, target: Callable[..., None], *arguments: Any) -> bool:
    child = server.Process(target=target, args=arguments)
    child.start()
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", fakes.FAMILIES)
def test_kills_at_random_moments(
    kind: str, tmp_path: Path, server: ForkServerContext, unbroken: Callable[[str], dict[str, bytes]]
) -> None:
    """Killed between moves, in validations and as files take their names, with and without resume points."""
    dice = random.Random(f"kills {kind}")
    for number in range(3):
        folder = tmp_path / str(number)
        deaths = [killed(server, breaks.killed_run, kind, folder, dice.randint(2, 12), 0.0) for _ in range(2)]
        deaths.append(killed(server, breaks.killed_run, kind, folder, dice.randint(2, 6), 1e9))
        deaths += [killed(server, breaks.killed_write, kind, folder, dice.randint(1, 6)) for _ in range(2)]
        assert any(deaths)
        assert files(fakes.run(kind, folder)[1]) == unbroken(kind)


class Noted(Monitor):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def stopped_at(folder: Path, *stops: int) -> Path:
    """A run with two generations of resume points; the path of the newer one."""
    for at in stops:
        with pytest.raises(Interrupted):
            fakes.run("plain", folder, breaks.Stopper(at))
    return folder / "check" / "state.pt"


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied", "foreign"])
def test_a_damaged_resume_point_gives_way_to_the_one_before(
    damage: str, tmp_path: Path, unbroken: Callable[[str], dict[str, bytes]]
) -> None:
    state = stopped_at(tmp_path, 5, 4)
    content = bytearray(state.read_bytes())
    content[len(content) // 2] ^= 1
    damaged = {
        "truncated": state.read_bytes()[:-100],
        "flipped": bytes(content),
        "emptied": b"",
        "foreign": b"not a state at all",
    }
    state.write_bytes(damaged[damage])
    monitor = Noted()
    _, trained = fakes.run("plain", tmp_path, monitor)
    assert any("is damaged" in note for note in monitor.notes)
    assert any("continuing at step 4" in note for note in monitor.notes)
    assert files(trained) == unbroken("plain")


def test_a_damaged_resume_point_never_takes_the_place_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = Checkpoints(tmp_path, "run")
    for step in (1, 2):
        points.save({"step": step})
    points.current.write_bytes(b"")
    assert points.load(SILENT) == {"step": 1}

    def full_disk(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "atomic_writer", full_disk)
    with pytest.raises(OSError, match="No space"):
        points.save({"step": 3})
    assert points.load(SILENT) == {"step": 1}


def test_kept_weights_come_back_on_the_model_s_device() -> None:
    taken = Snapshot(Weights({"w": torch.ones(2)}, {"w": torch.zeros(2)}, {}), "main", 1, 2, 0.5)
    back = Snapshot.from_state(taken.state(), torch.device("meta"))
    assert back.facts() == taken.facts()
    assert back.weights.ema is not None
    assert {back.weights.live["w"].device.type, back.weights.ema["w"].device.type} == {"meta"}
    without = Snapshot(Weights({"w": torch.ones(2)}, None, {}), "main", 1, 2, None)
    assert Snapshot.from_state(without.state(), torch.device("cpu")).weights.ema is None


def test_with_no_sound_resume_point_training_starts_anew_and_says_so(
    tmp_path: Path, unbroken: Callable[[str], dict[str, bytes]]
) -> None:
    state = stopped_at(tmp_path, 5, 4)
    state.write_bytes(b"")
    state.with_name("state.previous.pt").write_bytes(b"")
    monitor = Noted()
    _, trained = fakes.run("plain", tmp_path, monitor)
    assert len([note for note in monitor.notes if "is damaged" in note]) == 2
    assert files(trained) == unbroken("plain")


def test_damaged_final_weights_are_made_again(
    tmp_path: Path, unbroken: Callable[[str], dict[str, bytes]]
) -> None:
    _, trained = fakes.run("plain", tmp_path)
    trained.weights.write_bytes(trained.weights.read_bytes()[:-7])
    monitor = Noted()
    assert files(fakes.run("plain", tmp_path, monitor)[1]) == unbroken("plain")
    assert monitor.notes


def test_a_failed_write_leaves_a_usable_resume_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unbroken: Callable[[str], dict[str, bytes]]
) -> None:
    state = stopped_at(tmp_path, 5)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("epuredgm.core.files.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            fakes.run("plain", tmp_path, checkpoint_seconds=0.0)
    assert state.exists() or state.with_name("state.previous.pt").exists()
    assert files(fakes.run("plain", tmp_path)[1]) == unbroken("plain")


def test_states_hold_no_pickled_code(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "x")
    checkpoints.save({"code": Noted()})
    monitor = Noted()
    assert checkpoints.load(monitor) is None
    assert "cannot be read" in monitor.notes[0]


def test_tensorboard_shows_each_step_once_after_a_kill(tmp_path: Path, server: ForkServerContext) -> None:
    def number_files(first: int) -> None:  # their names order them, by the second: too coarse for a test
        for file in (tmp_path / "tb").glob("events.out.tfevents.[1-9]*"):
            file.rename(file.with_name(f"events.out.tfevents.{first:010d}"))

    stopped_at(tmp_path, 8)
    number_files(1)
    assert killed(server, breaks.killed_run, "plain", tmp_path, 6, 1e9)  # ahead of its resume point
    number_files(2)
    fakes.run("plain", tmp_path)
    events = EventAccumulator(str(tmp_path / "tb")).Reload()
    steps = [event.step for event in events.Scalars("main/train/all.loss")]
    assert steps == [3, 6, 9, 11]


def test_corrupt_state_is_never_an_unpickling_error(tmp_path: Path) -> None:
    from epuredgm.training.checkpoint import _read

    path = tmp_path / "state.pt"
    for content in (b"", b"epuredgm state 1\n", b"\x80\x04" * 50):
        path.write_bytes(content)
        with pytest.raises(CorruptArtefact):
            _read(path)
