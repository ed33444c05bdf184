"""The trainer keeps its three rules on every shape of family."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
import training_breaks as breaks
import training_fakes as fakes
from torch import nn

from epuredgm.core.errors import BadRequest, Interrupted, TrainingDiverged
from epuredgm.data.weights import load_weights
from epuredgm.interface import Batch, Phase, Progress, Update
from epuredgm.training.optimisers import clip_
from epuredgm.training.precision import Precision
from epuredgm.training.trainer import train


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def copied(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def watched(model: fakes.Family, seen: dict[str, list[dict[str, torch.Tensor]]]) -> None:
    """Make the family record its whole state at every loss, by phase."""
    phases = model.phases()

    def spy(phase: Phase, update: Update) -> Update:
        def loss(batch: Batch, progress: Progress) -> Any:
            seen.setdefault(phase.name, []).append(copied(model))
            return update.loss(batch, progress)

        return Update(update.name, update.modules, loss)

    made = [
        Phase(p.name, tuple(spy(p, u) for u in p.updates), p.validate, p.after_epoch, p.finish)
        for p in phases
    ]
    model.phases = lambda: made  # type: ignore[method-assign]


@pytest.mark.parametrize("kind", fakes.FAMILIES)
def test_foreign_parameters_and_buffers_are_unchanged_bit_for_bit(kind: str, tmp_path: Path) -> None:
    model = fakes.fresh(kind)
    phases, seen = model.phases(), {}
    names = {id(tensor): name for name, tensor in model.state_dict(keep_vars=True).items()}
    watched(model, seen)
    train(fakes.inputs(model, fakes.settings(fakes.PHASES[kind])), tmp_path, {}, "")
    for phase in phases:
        own = {
            names[id(tensor)]
            for update in phase.updates
            for module in update.modules
            for tensor in module.state_dict(keep_vars=True).values()
        }
        first, last = seen[phase.name][0], seen[phase.name][-1]
        changed = {name for name in first if not torch.equal(first[name], last[name])}
        assert changed <= own
        assert changed


def test_updates_run_in_order_with_their_repeats_on_one_batch_with_fresh_draws(tmp_path: Path) -> None:
    model, _ = fakes.run("adversarial", tmp_path)
    assert isinstance(model, fakes.Adversarial)
    draws = model.streams
    assert len(set(draws[:4])) == 4  # three repeats of the critic and the generator's own
    assert Counter(Counter(draws).values())[1] == 11 * 4  # training never repeats a stream; validation does


def test_an_epoch_sees_every_design_at_most_once_and_each_epoch_in_another_order(tmp_path: Path) -> None:
    model = fakes.fresh("plain")
    seen: list[torch.Tensor] = []
    loss = model.phases()[0].updates[0].loss

    def recording(batch: Batch, progress: Progress) -> Any:
        seen.append(batch.conditions[:, 0].clone())
        return loss(batch, progress)

    made = [Phase("main", (Update("all", (model.net,), recording),), loss)]
    model.phases = lambda: made  # type: ignore[method-assign]
    train(fakes.inputs(model, fakes.settings(fakes.PHASES["plain"])), tmp_path, {}, "")
    epochs = [torch.cat(seen[:4]), torch.cat(seen[4:8])]
    assert [len(epoch.unique()) for epoch in epochs] == [32, 32]
    assert not torch.equal(*epochs)
    assert len(seen) == 11


def test_modules_are_in_the_modes_of_rule_one(tmp_path: Path) -> None:
    model = fakes.fresh("two_stage")
    assert isinstance(model, fakes.TwoStage)
    prior_loss = model.prior_loss

    def checked(batch: Batch, progress: Progress) -> Any:
        assert not model.encoder.training
        assert not any(p.requires_grad for p in model.encoder.parameters())
        return prior_loss(batch, progress)

    model.prior_loss = checked  # type: ignore[method-assign]
    train(fakes.inputs(model, fakes.settings(fakes.PHASES["two_stage"])), tmp_path, {}, "")
    assert all(p.requires_grad for p in model.parameters())  # as it came


def test_best_weights_are_those_of_the_lowest_validation_loss(tmp_path: Path) -> None:
    """With a validation loss that is made up, its lowest value tells the epoch whose weights are kept."""
    model = fakes.fresh("plain")
    (phase,) = model.phases()
    made_up = {4: 3.0, 8: 1.0, 11: 2.0}
    states: dict[int, dict[str, torch.Tensor]] = {}

    def validate(batch: Batch, progress: Progress) -> dict[str, torch.Tensor]:
        assert not torch.is_grad_enabled()
        assert not model.training
        assert not model.net.training
        states[progress.step] = copied(model)
        return {"loss": torch.tensor(made_up[progress.step])}

    made = [Phase("main", phase.updates, validate)]
    model.phases = lambda: made  # type: ignore[method-assign]
    trained = train(fakes.inputs(model, fakes.settings(fakes.PHASES["plain"])), tmp_path, {"x": 1}, "me")
    best, last = load_weights(trained.weights), load_weights(trained.last)
    assert same(dict(best.for_use), states[8])  # validated with averages in place, and kept as validated
    assert same(dict(last.for_use), states[11])
    assert same(copied(model), states[8])
    assert best.facts["moment"] == {"phase": "main", "epoch": 1, "step": 8, "loss": 1.0}
    assert best.facts["x"] == 1
    assert [line["kept"] for line in lines(trained.history) if line["kind"] == "validation"] == [
        True,
        True,
        False,
    ]


def test_last_weights_are_kept_where_asked(tmp_path: Path) -> None:
    _, trained = fakes.run("adversarial", tmp_path)
    best, last = load_weights(trained.weights), load_weights(trained.last)
    assert same(dict(best.live), dict(last.live))
    assert best.ema is not None
    assert not same(dict(best.live), dict(best.ema))


def test_without_average_the_weights_for_use_are_the_live_ones(tmp_path: Path) -> None:
    model, trained = fakes.run("plain", tmp_path, ema_decay=0.0)
    weights = load_weights(trained.weights)
    assert weights.ema is None
    assert same(dict(weights.for_use), copied(model))


def test_what_a_finish_puts_into_buffers_is_saved_everywhere(tmp_path: Path) -> None:
    model, trained = fakes.run("two_stage", tmp_path)
    assert isinstance(model, fakes.TwoStage)
    assert model.codes.shape == (35, 64)  # all train designs, the incomplete batch too
    for path in (trained.weights, trained.last):
        weights = load_weights(path)
        assert torch.equal(weights.live["codes"], model.codes)
        assert torch.equal(weights.for_use["mean"], model.mean)
    with torch.no_grad():
        model.eval()
        codes = model.encoder(fakes.designs(35).batch(torch.arange(35)).images)
    torch.testing.assert_close(codes.mean(dim=(0, 2, 3)), model.mean)  # on the kept weights


def test_finishing_the_last_phase_reaches_the_files(tmp_path: Path) -> None:
    model = fakes.fresh("two_stage")
    made = model.phases()[:1]
    model.phases = lambda: made  # type: ignore[method-assign]
    chosen = fakes.settings({"autoencoder": fakes.PHASES["two_stage"]["autoencoder"]})
    trained = train(fakes.inputs(model, chosen), tmp_path, {}, "")
    for path in (trained.weights, trained.last):
        assert load_weights(path).live["codes"].shape == (35, 64)


@pytest.mark.parametrize("spoiled", ["loss", "weights", "validation"])
def test_a_diverged_training_stops_with_a_name_and_saves_nothing(spoiled: str, tmp_path: Path) -> None:
    model = fakes.fresh("plain")
    (phase,) = model.phases()
    update = phase.updates[0]

    def loss(batch: Batch, progress: Progress) -> Any:
        terms = dict(update.loss(batch, progress))
        if spoiled == "loss" and progress.step == 4:
            terms["loss"] = terms["loss"] * math.nan
        return terms

    def validate(batch: Batch, progress: Progress) -> Any:
        return {"loss": torch.tensor(math.nan if spoiled == "validation" else 1.0)}

    def after_epoch(progress: Progress) -> None:
        if spoiled == "weights":
            model.net[1].running_mean.fill_(math.inf)

    made = [Phase("main", (Update("all", update.modules, loss),), validate, after_epoch)]
    model.phases = lambda: made  # type: ignore[method-assign]
    chosen = fakes.settings(fakes.PHASES["plain"], checkpoint_seconds=0.0)
    with pytest.raises(TrainingDiverged, match="phase main") as stopped:
        train(fakes.inputs(model, chosen), tmp_path, {}, "")
    assert "training.lr" in stopped.value.hint
    assert not list(tmp_path.rglob("*.safetensors"))
    for path in tmp_path.rglob("state*.pt"):
        assert b"epuredgm" in path.read_bytes()
    resumed = fakes.inputs(fakes.fresh("plain"), chosen)
    train(resumed, tmp_path, {}, "")  # what was saved before is sound
    assert all(torch.isfinite(value).all() for value in resumed.model.state_dict().values())


def test_a_finished_training_is_not_made_again(tmp_path: Path) -> None:
    _, trained = fakes.run("plain", tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    _, again = fakes.run("plain", tmp_path)
    assert again == trained
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    other = fakes.inputs(fakes.fresh("plain"), fakes.settings(fakes.PHASES["plain"]), seed=6)
    train(other, tmp_path, {}, "another run")
    assert {path: path.stat().st_mtime_ns for path in before} != before


def test_another_runs_resume_point_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        fakes.run("plain", tmp_path, breaks.Stopper(3))
    inputs = fakes.inputs(fakes.fresh("plain"), fakes.settings(fakes.PHASES["plain"]))
    with pytest.raises(BadRequest, match="another configuration"):
        train(inputs, tmp_path, {}, "other")


def test_clipping_limits_the_total_norm() -> None:
    torch.manual_seed(0)
    for limit in (0.1, 1e3):
        ours = [nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(5)), nn.Parameter(torch.randn(2))]
        theirs = [nn.Parameter(p.detach().clone()) for p in ours]
        for p, q in zip(ours[:2], theirs[:2], strict=True):
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        norm = clip_(ours, limit)
        reference = torch.nn.utils.clip_grad_norm_(theirs, limit)
        torch.testing.assert_close(norm, reference)
        for p, q in zip(ours[:2], theirs[:2], strict=True):
            torch.testing.assert_close(p.grad, q.grad)
    assert clip_(ours[2:], 1.0) is None


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_lower_precisions_train_and_resume(precision: str, tmp_path: Path) -> None:
    _, unbroken = fakes.run("plain", tmp_path / "a", precision=precision)
    broken = breaks.until_done("plain", tmp_path / "b", [6], precision=precision)
    assert unbroken.weights.read_bytes() == broken.weights.read_bytes()
    assert all(torch.isfinite(value).all() for value in load_weights(unbroken.weights).live.values())


def test_precision_is_resolved_by_device_and_unknown_names_are_refused() -> None:
    cpu = torch.device("cpu")
    assert Precision.resolve("auto", cpu).dtype is None
    assert Precision.resolve("fp16", cpu).scaler() is not None
    assert Precision.resolve("bf16", cpu).scaler() is None
    with pytest.raises(BadRequest, match="precision"):
        Precision.resolve("fp8", cpu)
