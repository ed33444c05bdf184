"""Early stopping, memory, augmentation and balance: the laws that a training keeps with them on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import training_breaks as breaks
import training_fakes as fakes

from epuredgm.config import Conf, compose
from epuredgm.core.errors import BadRequest, Interrupted
from epuredgm.core.fields import read
from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.core.settings import AugmentationSettings
from epuredgm.core.spec import Component, Condition, DataSpec
from epuredgm.data.balance import CAP, Balance
from epuredgm.data.memory import RememberedSize
from epuredgm.data.resident import epoch_order
from epuredgm.data.weights import load_weights
from epuredgm.interface import Batch, Phase, Progress, Update
from epuredgm.stages.train import _balance
from epuredgm.training import phase_run
from epuredgm.training.augmentation import Augmentation
from epuredgm.training.ema import MovingAverage
from epuredgm.training.inputs import Inputs
from epuredgm.training.memory import MicroBatches
from epuredgm.training.optimisers import Optimiser
from epuredgm.training.precision import Precision
from epuredgm.training.trainer import Trained, train

CONF = Conf(Path(__file__).parents[2] / "conf")
SIDES = DataSpec(
    "sides",
    height=12,
    width=8,
    components=(Component("breast", "breast", "#112233"),),
    conditions=(Condition("age", optional=True), Condition("laterality", values=("L", "R"), optional=True)),
    values="grey",
    bits=16,
    side="laterality",
)
FREE = DataSpec(
    "free",
    height=12,
    width=8,
    components=SIDES.components,
    conditions=(Condition("age", optional=True),),
    values="grey",
    bits=16,
)
ALL = {"rotation": 20, "translation": 0.2, "scale": 0.2, "gain": 0.4, "contrast": 0.4, "noise": 0.2}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def augmentation(spec: DataSpec, **settings: float) -> Augmentation:
    return Augmentation(read(AugmentationSettings, settings), spec)


def pictures(count: int, spec: DataSpec = SIDES) -> Batch:
    images = torch.rand(count, 1, spec.height, spec.width, generator=rng()).mul_(0.9).add_(0.05)
    conditions = torch.zeros(count, spec.condition_width)
    if spec.side:
        conditions[:, 2] = 1  # left
        conditions[-1, 2:] = 0  # unknown
    return Batch(images, conditions)


# augmentation ---------------------------------------------------------------------------------------------


def test_what_is_off_is_the_identity_and_an_unknown_key_is_an_error() -> None:
    off, batch = augmentation(SIDES), pictures(5)
    assert not off.active
    varied = off(batch, rng())
    assert torch.equal(varied.images, batch.images)
    assert torch.equal(varied.conditions, batch.conditions)
    with pytest.raises(BadRequest, match="did you mean rotation"):
        augmentation(SIDES, rotations=3)


@pytest.mark.parametrize("spec", [SIDES, FREE])
def test_zeros_stay_zeros_and_values_stay_in_range(spec: DataSpec) -> None:
    batch = pictures(40, spec)
    images = batch.images.clone()
    images[:20, :, :, 4:] = 0
    images[20:] = 0
    exposed = augmentation(spec, gain=0.5, contrast=0.5, noise=0.5)(Batch(images, batch.conditions), rng())
    assert torch.equal(exposed.images[images == 0], torch.zeros(int((images == 0).sum())))
    assert not torch.equal(exposed.images, images)
    moved = augmentation(spec, **ALL)(Batch(images, batch.conditions), rng())
    assert (moved.images[20:] == 0).all()
    assert moved.images.min() >= 0
    assert moved.images.max() <= 1


def test_the_darkest_tissue_stays_tissue() -> None:
    """What is one stored level above air is no hole in the breast after any variation of intensity."""
    images = torch.zeros(200, 1, 12, 8)
    images[:, :, :, :4] = 1 / SIDES.levels
    images[:, :, 6:, :4] = 0.01
    batch = Batch(images, torch.zeros(200, SIDES.condition_width))
    for settings in ({"contrast": 0.3}, {"gain": 0.5}, {"noise": 0.05}):
        varied = augmentation(SIDES, **settings)(batch, rng()).images
        assert torch.equal((varied * SIDES.levels).round() > 0, images > 0)
        assert not torch.equal(varied, images)


def test_a_flip_swaps_the_side_where_pictures_all_face_one_way() -> None:
    """The mirror image of a left breast, stored canonically, is the same picture of a right one."""
    batch = pictures(6)
    flipped = augmentation(SIDES, flip=1)(batch, rng())
    assert torch.equal(flipped.images, batch.images)
    assert torch.equal(flipped.conditions[:-1, 2:], torch.tensor([[0.0, 1.0]]).expand(5, 2))
    assert (flipped.conditions[-1, 2:] == 0).all()  # unknown stays unknown
    again = augmentation(SIDES, flip=1)(flipped, rng())
    assert torch.equal(again.conditions, batch.conditions)
    half = augmentation(SIDES, flip=0.5)(pictures(1000), rng())
    assert 400 < half.conditions[:, 3].sum() < 600


def test_a_flip_mirrors_pictures_that_have_no_side() -> None:
    batch = pictures(3, FREE)
    flipped = augmentation(FREE, flip=1)(batch, rng())
    assert torch.equal(flipped.images, batch.images.flip(3))
    assert torch.equal(flipped.conditions, batch.conditions)


def test_moves_follow_the_stream_and_differ_between_designs() -> None:
    one = pictures(1).images.expand(8, 1, 12, 8)
    batch, vary = Batch(one, pictures(8).conditions), augmentation(SIDES, **ALL)
    first, second, other = vary(batch, rng(1)), vary(batch, rng(1)), vary(batch, rng(2))
    assert torch.equal(first.images, second.images)
    assert not torch.equal(first.images, other.images)
    assert len({picture.numpy().tobytes() for picture in first.images}) == 8


def test_a_rotation_keeps_angles_in_oblong_pictures_and_masks_stay_masks() -> None:
    row, column = torch.meshgrid(torch.arange(24.0), torch.arange(16.0), indexing="ij")
    disc = ((row - 11.5) ** 2 + (column - 7.5) ** 2 < 36).float()[None, None].repeat(16, 1, 1, 1)
    spec = DataSpec("mask", 24, 16, SIDES.components, ())
    turned = augmentation(spec, rotation=45)(Batch(disc, torch.zeros(16, 0)), rng()).images
    assert set(turned.unique().tolist()) <= {0.0, 1.0}
    assert (turned != disc).float().mean() < 0.04  # a disc stays a disc; an ellipse would not


# balance --------------------------------------------------------------------------------------------------


def test_weights_are_the_square_root_of_rarity_and_capped() -> None:
    table = np.zeros((1000, 2))
    table[:, 1] = 0
    table[:200, 1] = 1
    table[200:204, 1] = np.nan
    balance = Balance.of(table, SIDES, ["laterality"])
    weights = {each["stratum"]["laterality"]: each["weight"] for each in balance.strata}
    assert weights["L"] == pytest.approx(0.796**-0.5)
    assert weights["R"] == pytest.approx(0.2**-0.5)
    assert weights["unknown"] == CAP == 10  # 0.004 ** -0.5 is 15.8
    assert balance.weights[0] == weights["R"]
    assert balance.weights[201] == CAP
    assert sum(each["share_of_draws"] for each in balance.strata) == pytest.approx(1)
    total = 796 * weights["L"] + 200 * weights["R"] + 4 * CAP
    assert balance.effective == pytest.approx(total**2 / (1000 + 1000 + 4 * CAP**2))
    json.dumps(balance.to_dict(), allow_nan=False)
    with pytest.raises(BadRequest, match="age"):
        Balance.of(table, SIDES, ["age"])


def test_designs_are_drawn_in_proportion_to_their_weights_and_anew_each_epoch() -> None:
    weights = torch.tensor([1.0, 3.0]).repeat(2000)
    drawn = epoch_order(4000, 1, 0, weights)
    assert torch.equal(drawn, epoch_order(4000, 1, 0, weights))
    assert not torch.equal(drawn, epoch_order(4000, 1, 1, weights))
    assert (drawn % 2).float().mean() == pytest.approx(0.75, abs=0.03)
    assert len(drawn.unique()) < 4000  # with replacement


def test_a_train_job_balances_by_the_chosen_conditions_alone(tmp_path: Path) -> None:
    made = compose(CONF, "nlbs", "cvae", "local", ["dataset.conditions=geometry"])
    spec = DataSpec.from_config(made["dataset"])
    notes: list[str] = []
    monitor = SimpleNamespace(note=notes.append)
    job: Any = SimpleNamespace(config=made)
    table = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    balance = _balance(job, table, spec, tmp_path, monitor)  # type: ignore[arg-type]
    assert balance is not None
    assert balance.names == ("view", "laterality")
    assert "cancer, false_positive: not among the chosen conditions" in notes[0]
    assert json.loads((tmp_path / "balance.json").read_text())["rule"].startswith(
        "min(share of designs ** -0.5"
    )
    job.config = compose(CONF, "nlbs", "cvae", "local", ["dataset.conditions=none"])
    nothing = DataSpec.from_config(job.config["dataset"])
    assert _balance(job, table[:, :0], nothing, tmp_path, monitor) is None  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match=r"dataset\.balance must be"):
        compose(CONF, "nlbs", "cvae", "local", ["dataset.balance=[age]"])


# memory ---------------------------------------------------------------------------------------------------


def optimiser(model: fakes.Plain, loss: Any) -> Optimiser:
    settings = fakes.settings(fakes.PHASES["plain"]).phases["main"].updates["all"]
    parameters = list(model.net.parameters())
    average = MovingAverage([parameters], 0)
    precision = Precision("cpu", None)
    return Optimiser(Update("all", (model.net,), loss), parameters, settings, 10, average, 0, precision)


@pytest.mark.parametrize("size", [1, 3, 4, 7, 8, 50])
def test_parts_have_the_gradient_of_the_whole_batch(size: int) -> None:
    model = fakes.fresh("plain")
    assert isinstance(model, fakes.Plain)
    model.eval()

    def loss(batch: Batch, progress: Progress) -> dict[str, torch.Tensor]:
        return {"loss": (model.net(batch.images) - batch.images).square().mean()}

    one = optimiser(model, loss)
    batch, progress = fakes.designs(8).batch(torch.arange(8)), Progress(0, 1, 0, 10, rng())
    whole = one.gradient(batch, progress, 8)
    wanted = [parameter.grad for parameter in one.parameters]
    parts = one.gradient(batch, progress, size)
    for parameter, gradient in zip(one.parameters, wanted, strict=True):
        assert parameter.grad is not None
        assert gradient is not None
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(parts["loss"], whole["loss"].detach())


def test_a_single_design_too_many_is_an_error_and_others_pass() -> None:
    def full(size: int) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    def wrong(size: int) -> None:
        raise RuntimeError("shapes do not match")

    sizes: list[int] = []
    memory = MicroBatches(8, [], sizes.append)
    with pytest.raises(torch.OutOfMemoryError):
        memory.fit(full)
    assert sizes == [4, 2, 1]
    with pytest.raises(RuntimeError, match="shapes"):
        MicroBatches(8, [], sizes.append).fit(wrong)


def test_the_size_that_fitted_is_tried_first_the_next_time_and_for_the_same_work_only(tmp_path: Path) -> None:
    def remembered(phase: str, model: str = "a") -> RememberedSize:
        return RememberedSize(tmp_path / "sizes", {"model": model, "phase": phase})

    def again(folder: str, **others: str) -> Trained:
        torch.manual_seed(3)
        notes.clear()
        inputs = fakes.inputs(Small(3), fakes.settings(fakes.PHASES["plain"]), Notes())
        return train(replace(inputs, remembered=partial(remembered, **others)), tmp_path / folder, {}, "")

    notes: list[str] = []

    class Notes(Monitor):
        def note(self, message: str) -> None:
            notes.append(message)

    assert [line["terms"]["micro_batch"] for line in lines(again("first"), "memory")] == [4, 2]
    assert not lines(again("second"), "memory")
    assert "2 designs at once, as fitted the last time" in notes[0]
    assert [line["terms"]["micro_batch"] for line in lines(again("third", model="b"), "memory")] == [4, 2]
    remembered("main").path.write_text("{broken")
    assert [line["terms"]["micro_batch"] for line in lines(again("fourth"), "memory")] == [4, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited and measured as on Linux")
def test_memory_that_really_runs_out_is_halved_until_it_fits() -> None:
    """An allocation that the system refuses, in a process with a limit; what it says is torch's own word."""
    code = (
        "import resource, torch\n"
        "from epuredgm.data.memory import FittingSize\n"
        "torch.zeros(10).sum()\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 2**30,) * 2)\n"
        "sizes = FittingSize(64)\n"
        "print(sizes.fit(lambda size: torch.empty(size, 2**26).shape[0]), sizes.size)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.stdout.split() in (["2", "2"], ["4", "4"]), answer.stderr  # of 256 MB each, in 1 GB


@pytest.mark.parametrize(
    "said",
    [
        "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "MPS backend out of memory (MPS allocated: 8.88 GB)",
        "HIP out of memory. Tried to allocate 2.00 GiB",
        "cuFFT error: CUFFT_ALLOC_FAILED",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
    ],
)
def test_libraries_without_an_error_class_of_their_own_are_understood(said: str) -> None:
    def full(size: int) -> int:
        if size > 2:
            raise RuntimeError(said)
        return size

    assert MicroBatches(8, [], lambda size: None).fit(full) == 2


class Small(fakes.Plain):
    """A device with room for ``room`` designs, from the loss number ``since`` on."""

    def __init__(self, room: int, since: int = 0) -> None:
        super().__init__()
        self.room, self.since, self.calls = room, since, 0

    def loss(self, batch: Batch, progress: Progress) -> dict[str, torch.Tensor]:
        terms = super().loss(batch, progress)  # the norm statistics have moved by now
        self.calls += torch.is_grad_enabled()
        if torch.is_grad_enabled() and self.calls > self.since and len(batch.images) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return terms


def small(folder: Path, room: int, since: int = 0, monitor: Monitor = SILENT, **changed: Any) -> Trained:
    torch.manual_seed(3)
    model = Small(room, since)
    return train(
        fakes.inputs(model, fakes.settings(fakes.PHASES["plain"], **changed), monitor), folder, {}, ""
    )


def lines(trained: Trained, kind: str) -> list[dict[str, Any]]:
    every = [json.loads(line) for line in trained.history.read_text().splitlines()]
    return [line for line in every if line["kind"] == kind]


def test_a_training_that_runs_out_of_memory_is_one_with_small_parts_from_that_step_on(tmp_path: Path) -> None:
    found = small(tmp_path / "found", 3)
    given = small(tmp_path / "given", 99, micro_batch=2)
    assert [line["terms"]["micro_batch"] for line in lines(found, "memory")] == [4, 2]
    assert load_weights(found.weights).facts["phases"][0]["micro_batch"] == 2
    for name, tensor in load_weights(found.last).live.items():  # buffers as if the attempts had never been
        assert torch.equal(tensor, load_weights(given.last).live[name]), name


def test_the_probe_changes_nothing_but_the_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = small(tmp_path / "given", 99, micro_batch=2)
    monkeypatch.setattr(phase_run, "runs_out", lambda device: True)
    probed = small(tmp_path / "probed", 3)
    assert [line["step"] for line in lines(probed, "memory")] == [0, 0]
    assert load_weights(probed.last).live.keys() == load_weights(given.last).live.keys()
    for name, tensor in load_weights(probed.last).live.items():
        assert torch.equal(tensor, load_weights(given.last).live[name]), name


class SmallInValidation(fakes.Plain):
    """A device with room for two designs without gradient and for all with; it keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[tuple[str, int]] = []

    def phases(self) -> list[Phase]:
        return [replace(super().phases()[0], validate=self.validate, finish=self.finish)]

    def validate(self, batch: Batch, progress: Progress) -> dict[str, torch.Tensor]:
        if len(batch.images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.shown.append(("validate", len(batch.images)))
        return {"loss": batch.images.mean()}

    def finish(self, batches: Iterable[Batch], progress: Progress) -> None:
        self.shown += [("finish", len(batch.images)) for batch in batches]


def test_validations_and_the_finish_run_in_parts_that_fit(tmp_path: Path) -> None:
    model = SmallInValidation()
    inputs = fakes.inputs(model, fakes.settings(fakes.PHASES["plain"]))
    trained = train(inputs, tmp_path, {}, "")
    assert [line["terms"]["micro_batch"] for line in lines(trained, "memory")] == [4, 2]
    assert max(count for _, count in model.shown) == 2
    assert sum(count for kind, count in model.shown if kind == "finish") == len(inputs.train)
    mean = inputs.validation.batch(torch.arange(len(inputs.validation))).images.mean()
    for line in lines(trained, "validation"):
        assert line["terms"]["loss"] == pytest.approx(float(mean), rel=1e-5)


def test_a_resumed_run_starts_with_the_size_that_fitted(tmp_path: Path) -> None:
    unbroken = small(tmp_path / "unbroken", 3, since=4)
    with pytest.raises(Interrupted):
        small(tmp_path / "broken", 3, since=4, monitor=breaks.Stopper(7))
    resumed = small(tmp_path / "broken", 3)  # a whole batch would run out again, and be recorded again
    assert resumed.history.read_bytes() == unbroken.history.read_bytes()
    assert resumed.weights.read_bytes() == unbroken.weights.read_bytes()


# together -------------------------------------------------------------------------------------------------


def everything(folder: Path, monitor: Monitor = SILENT, seconds: float = 1e9) -> Trained:
    """A rate so high that validation soon stops getting better; all settings on."""
    phases = {"main": fakes.phase({"all": fakes.update(optimizer={"lr": 30.0})}, steps=60)}
    model = fakes.fresh("plain")
    plain = fakes.inputs(
        model, fakes.settings(phases, patience=2, micro_batch=3, checkpoint_seconds=seconds), monitor
    )
    inputs = Inputs(
        plain.model,
        plain.train,
        plain.validation,
        plain.settings,
        plain.seed,
        monitor,
        augmentation=augmentation(fakes.SPEC, rotation=10, scale=0.1, flip=0.5),
        weights=torch.linspace(1, 10, len(plain.train)),
    )
    return train(inputs, folder, {}, "everything")


def test_a_resumed_run_is_an_unbroken_one_and_ends_at_the_same_step(tmp_path: Path) -> None:
    unbroken = everything(tmp_path / "unbroken")
    facts = load_weights(unbroken.weights).facts["phases"][0]
    validations = lines(unbroken, "validation")
    assert facts["stopped_early"]
    assert facts["steps"] == validations[-1]["step"] < facts["of_steps"] == 60
    assert validations[-1]["stopped_early"]
    assert [line["kept"] for line in validations[-3:]] == [True, False, False]
    assert lines(unbroken, "train")[-1]["step"] == facts["steps"]
    for number, stops in enumerate(([5, 9], [1, 2, 3], [14, 3])):
        folder = tmp_path / str(number)
        for at in stops:
            try:
                everything(folder, breaks.Stopper(at), 0.0)
            except Interrupted:
                continue
        resumed = everything(folder)
        assert resumed.weights.read_bytes() == unbroken.weights.read_bytes()
        assert resumed.history.read_bytes() == unbroken.history.read_bytes()


def test_only_train_batches_are_varied(tmp_path: Path) -> None:
    """Validation terms of weights that never move do not depend on the augmentation."""
    seen = []
    for name, settings in {"off": {}, "on": {"rotation": 45.0, "flip": 1.0}}.items():
        phases = {"main": fakes.phase({"all": fakes.update(optimizer={"lr": 1e-30})}, steps=4)}
        model = fakes.fresh("plain").eval()
        model.net.requires_grad_(True)
        for norm in model.modules():
            if isinstance(norm, torch.nn.BatchNorm2d):
                norm.momentum = 0.0
        plain = fakes.inputs(model, fakes.settings(phases))
        inputs = Inputs(
            model,
            plain.train,
            plain.validation,
            plain.settings,
            5,
            SILENT,
            augmentation(fakes.SPEC, **settings),
        )
        trained = train(inputs, tmp_path / name, {}, "")
        seen.append((lines(trained, "validation")[0]["terms"], lines(trained, "train")[0]["terms"]))
    assert seen[0][0] == seen[1][0]
    assert seen[0][1] != seen[1][1]
