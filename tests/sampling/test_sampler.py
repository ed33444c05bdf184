"""The sampler asks for what a mode means, returns given components exactly, and draws the same set twice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import sampling_fakes as fakes
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.core.errors import EpureError, Interrupted, UnsupportedMode
from epuredgm.core.jobs import Mode, Stage
from epuredgm.core.monitor import Monitor
from epuredgm.core.spec import DataSpec
from epuredgm.data.memory import FittingSize
from epuredgm.data.samples import SampleSet
from epuredgm.interface import Batch, Reconstruction, SampleRequest
from epuredgm.orchestration.faults import exit_class, one_line
from epuredgm.sampling.discrete import to_stored
from epuredgm.sampling.parts import Parts
from epuredgm.sampling.requests import (
    SetRequest,
    conditional,
    inpainting,
    ordered_test_rows,
    reconstruction,
    unconditional,
)


@given(st.integers(1, 60), st.integers(1, 80), st.integers(0, 5))
def test_rows_are_test_rows_without_replacement_all_if_there_are_fewer(
    total: int, count: int, seed: int
) -> None:
    train = np.arange(total) % 3 == 0
    rows = ordered_test_rows(train, count, seed)
    assert len(rows) == min(count, int((~train).sum())) == len(set(rows.tolist()))
    assert not train[rows].any()
    assert rows.tolist() == ordered_test_rows(train, total, seed)[:count].tolist()


def test_the_order_depends_on_the_seed_and_on_nothing_else() -> None:
    train = np.zeros(50, dtype=bool)
    assert ordered_test_rows(train, 50, 1).tolist() == ordered_test_rows(train, 50, 1).tolist()
    assert ordered_test_rows(train, 50, 1).tolist() != ordered_test_rows(train, 50, 2).tolist()
    spec = fakes.spec()
    designs = fakes.designs(spec)
    asked = [conditional(spec, designs, 9, 3), inpainting(spec, designs, 9, 3, "b")]
    assert asked[0].ids.tolist() == asked[1].ids.tolist()


def test_conditional_sampling_reads_no_image(tmp_path: Path) -> None:
    spec = fakes.spec()
    designs = fakes.designs(spec, images=fakes.Forbidden())
    model = fakes.Noise(spec)
    drawn, _ = fakes.sampler(model).draw(conditional(spec, designs, 10, 0), {}, Parts(tmp_path, "k"))
    rows = ordered_test_rows(designs.train, 10, 0)
    assert drawn.ids.tolist() == designs.ids[rows].tolist()
    np.testing.assert_array_equal(drawn.conditions, designs.conditions[rows].astype(np.float32))
    asked = torch.cat([request.conditions for request in model.asked if request.conditions is not None])
    np.testing.assert_allclose(asked, (designs.conditions[rows] - 50) / 5, rtol=1e-6)
    assert all(request.known is None and request.given is None for request in model.asked)
    assert {request.guidance for request in model.asked} == {1.5}


def test_unconditional_sampling_asks_for_nothing(tmp_path: Path) -> None:
    spec = fakes.spec()
    model = fakes.Noise(spec)
    drawn, cost = fakes.sampler(model).draw(unconditional(spec, 10), {"weights": "abc"}, Parts(tmp_path, "k"))
    assert [request.count for request in model.asked] == [7, 3]
    assert cost.designs == 10
    assert all(request.conditions is None and request.known is None for request in model.asked)
    assert np.isnan(drawn.conditions).all()
    assert set(drawn.ids.tolist()) == {""}
    assert not drawn.given.any()
    assert drawn.meta == {
        "weights": "abc",
        "mode": "unconditional",
        "given": None,
        "seed": 0,
        "guidance": 1.5,
        "batch_size": 7,
        "num_samples": 10,
    }


@pytest.mark.parametrize("component", ["a", "b", "c"])
@pytest.mark.parametrize(("values", "exclusive"), [("binary", True), ("binary", False), ("grey", False)])
def test_given_components_come_back_exactly_and_the_model_sees_nothing_else(
    component: str, values: str, exclusive: bool, tmp_path: Path
) -> None:
    spec = fakes.spec(values, exclusive)
    designs, model = fakes.designs(spec), fakes.Noise(spec)
    drawn, _ = fakes.sampler(model).draw(
        inpainting(spec, designs, 100, 0, component), {}, Parts(tmp_path, "k")
    )
    rows, channel = ordered_test_rows(designs.train, 100, 0), "abc".index(component)
    assert len(drawn) == 20
    np.testing.assert_array_equal(drawn.images[:, channel], designs.images[rows, channel])
    np.testing.assert_array_equal(drawn.given, np.tile(np.arange(3) == channel, (20, 1)))
    np.testing.assert_array_equal(drawn.conditions, designs.conditions[rows].astype(np.float32))
    top = 1 if values == "binary" else 255
    known = torch.cat([request.known for request in model.asked if request.known is not None])
    np.testing.assert_allclose(known[:, channel], designs.images[rows, channel] / np.float32(top))
    assert not known[:, np.arange(3) != channel].any()
    if exclusive:
        assert drawn.images.sum(axis=1).max() <= 1


def test_several_completions_are_drawn_around_each_given_component(tmp_path: Path) -> None:
    spec = fakes.spec()
    designs, model = fakes.designs(spec), fakes.Noise(spec)
    once, thrice = (inpainting(spec, designs, 7, 0, "b", completions) for completions in (1, 3))
    one, three = (
        fakes.sampler(model).draw(request, {}, Parts(tmp_path / str(len(request)), "k"))[0]
        for request in (once, thrice)
    )
    assert three.ids.tolist() == 3 * one.ids.tolist()
    rounds = three.images.reshape(3, *one.images.shape)
    assert np.array_equal(rounds[0], one.images)  # more completions leave the first as they were
    assert np.array_equal(rounds[1][:, 1], one.images[:, 1])
    assert not np.array_equal(rounds[1], rounds[2])


def test_the_cost_is_how_often_a_layer_sees_a_batch(tmp_path: Path) -> None:
    class Repeated(fakes.Noise):
        def __init__(self, spec: DataSpec) -> None:
            super().__init__(spec)
            self.often, self.once = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)

        def sample(self, request: SampleRequest, rng: torch.Generator) -> torch.Tensor:
            self.once(torch.zeros(1))
            for _ in range(5):
                self.often(torch.zeros(1))
            return super().sample(request, rng)

    sampler = fakes.sampler(Repeated(fakes.spec()))
    _, cost = sampler.draw(unconditional(fakes.spec(), 10), {}, Parts(tmp_path, "k"))
    assert (cost.designs, cost.evaluations) == (10, 5)
    assert cost.to_dict()["seconds_per_1000"] == 100 * cost.seconds
    _, nothing = sampler.draw(unconditional(fakes.spec(), 10), {}, Parts(tmp_path, "k"))
    assert (nothing.designs, nothing.evaluations) == (0, 0)  # finished batches are found


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.booleans(), st.integers(0, 3))
def test_masks_are_where_a_component_exceeds_one_half(seed: int, exclusive: bool, given_count: int) -> None:
    spec = fakes.spec(exclusive=exclusive)
    rng = torch.Generator().manual_seed(seed)
    images = torch.rand(2, 3, 6, 4, generator=rng)
    known = torch.randint(0, 2, images.shape, generator=rng).to(torch.uint8)
    given_ones = torch.arange(3) < given_count
    stored = to_stored(images, spec, known, given_ones)
    assert torch.equal(stored[:, given_ones], known[:, given_ones])
    taken = known[:, given_ones].bool().any(1)
    for b, k, y, x in torch.cartesian_prod(*(torch.arange(n) for n in images.shape)).tolist():
        if given_ones[k]:
            continue
        rivals = [float(images[b, j, y, x]) for j in range(3) if not given_ones[j]]
        own = float(images[b, k, y, x])
        expected = own > 0.5 and (not exclusive or (own == max(rivals) and not taken[b, y, x]))
        assert bool(stored[b, k, y, x]) == expected


def test_grey_levels_are_rounded() -> None:
    spec = fakes.spec("grey", exclusive=False)
    images = torch.full((1, 3, 6, 4), 0.5)
    images[0, 0], images[0, 1] = 1.2, -0.1
    stored = to_stored(images, spec)
    assert stored[0, :, 0, 0].tolist() == [255, 0, 128]


def requests() -> list[SetRequest]:
    spec = fakes.spec()
    designs = fakes.designs(spec)
    return [unconditional(spec, 20), conditional(spec, designs, 20, 4), inpainting(spec, designs, 20, 4, "b")]


def written(request: SetRequest, folder: Path, seed: int = 4, monitor: Monitor | None = None) -> bytes:
    sampler = fakes.sampler(fakes.Noise(fakes.spec()), seed, monitor or Monitor())
    sampler.draw(request, {}, Parts(folder, "k"))[0].write(folder / "samples.npz")
    return (folder / "samples.npz").read_bytes()


@pytest.mark.parametrize("request_", requests(), ids=lambda request: str(request.mode))
def test_equal_seeds_give_equal_bytes_and_other_seeds_other_designs(
    request_: SetRequest, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    first = written(request_, tmp_path / "a")
    torch.manual_seed(2)
    assert written(request_, tmp_path / "b") == first
    assert written(request_, tmp_path / "c", seed=5) != first


def test_sets_do_not_share_their_draws(tmp_path: Path) -> None:
    drawn = []
    for number, request in enumerate(requests()):
        sampler = fakes.sampler(fakes.Noise(fakes.spec()), 4)
        drawn.append(sampler.draw(request, {}, Parts(tmp_path / str(number), "k"))[0].images[:7, 0].tobytes())
    assert len(set(drawn)) == 3


@dataclass
class Stopper(Monitor):
    at: int
    polls: int = 0

    def stopping(self) -> bool:
        self.polls += 1
        return self.polls == self.at


def test_a_stopped_set_goes_on_where_it_was_and_is_the_unbroken_one(tmp_path: Path) -> None:
    request = requests()[2]
    unbroken = written(request, tmp_path / "a")
    with pytest.raises(Interrupted):
        written(request, tmp_path / "b", monitor=Stopper(3))
    assert not (tmp_path / "b" / "samples.npz").exists()
    model = fakes.Noise(fakes.spec())
    parts = Parts(tmp_path / "b", "k")
    fakes.sampler(model, 4).draw(request, {}, parts)[0].write(tmp_path / "b" / "samples.npz")
    assert (tmp_path / "b" / "samples.npz").read_bytes() == unbroken
    assert [asked.count for asked in model.asked] == [6]  # two batches of seven were there
    parts.remove()
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["samples.npz"]


@pytest.mark.parametrize("content", [b"", b"damaged", b"\x93NUMPY\x01\x00v\x00{'descr': '|O'"])
def test_damaged_parts_and_parts_of_another_set_are_drawn_again(content: bytes, tmp_path: Path) -> None:
    unbroken = written(requests()[0], tmp_path / "a")
    Parts(tmp_path / "b", "k").write(0, {"images": np.zeros((7, 3, 6, 4), np.uint8)})
    next((tmp_path / "b").rglob("*.npz")).write_bytes(content)
    Parts(tmp_path / "b", "other").write(1, {"images": np.zeros((7, 3, 6, 4), np.uint8)})
    Parts(tmp_path / "b", "k").write(2, {"images": np.zeros((5, 3, 6, 4), np.uint8)})
    assert written(requests()[0], tmp_path / "b") == unbroken


def test_the_written_set_reads_back(tmp_path: Path) -> None:
    written(requests()[2], tmp_path)
    read = SampleSet.read(tmp_path / "samples.npz")
    assert read.components == ("a", "b", "c")
    assert read.condition_names == ("c0", "c1")
    assert read.images.dtype == np.uint8
    assert read.given.dtype == np.bool_
    assert read.meta["given"] == "b"


def test_without_conditions_there_is_no_conditional_mode_but_inpainting(tmp_path: Path) -> None:
    spec = fakes.spec(conditions=0)
    designs, model = fakes.designs(spec), fakes.Noise(spec)
    with pytest.raises(UnsupportedMode, match="without conditions"):
        conditional(spec, designs, 5, 0)
    request = inpainting(spec, designs, 5, 0, "a")
    assert request.mode is Mode.INPAINTING
    assert fakes.sampler(model).draw(request, {}, Parts(tmp_path, "k"))[0].conditions.shape == (5, 0)
    assert model.asked[0].conditions is None


@pytest.mark.parametrize("fault", ["nan", "shape"])
def test_a_model_that_draws_nonsense_is_named(fault: str, tmp_path: Path) -> None:
    class Faulty(fakes.Noise):
        def sample(self, request: SampleRequest, rng: torch.Generator) -> torch.Tensor:
            drawn = super().sample(request, rng)
            return drawn * torch.nan if fault == "nan" else drawn[:, :1]

    with pytest.raises(EpureError, match="not numbers" if fault == "nan" else "shape"):
        fakes.sampler(Faulty(fakes.spec())).draw(unconditional(fakes.spec(), 3), {}, Parts(tmp_path, "k"))
    assert not list(tmp_path.rglob("*.npz"))


class Halved(fakes.Noise):
    """Reconstructs designs at half their intensity, with a code of their row sums."""

    def reconstruct(self, batch: Batch, rng: torch.Generator) -> Reconstruction:
        codes = batch.images.sum(dim=(1, 3))
        return Reconstruction(batch.images / 2, codes.sum(dim=1) + batch.conditions.sum(dim=1), codes)


def test_a_reconstruction_is_of_the_test_row_under_its_own_conditions(tmp_path: Path) -> None:
    spec = replace(fakes.spec("grey", exclusive=False), bits=16)
    real = np.random.default_rng(0).integers(0, 65536, (40, 3, 6, 4), dtype=np.uint16)
    designs = fakes.designs(spec, images=real)
    request = reconstruction(spec, designs, 100, 0)
    drawn, _ = fakes.sampler(Halved(spec)).draw(request, {}, Parts(tmp_path, "k"))
    drawn.write(tmp_path / "samples.npz")
    read = SampleSet.read(tmp_path / "samples.npz")
    rows = ordered_test_rows(designs.train, 100, 0)
    assert read.images.dtype == np.uint16 and read.ids.tolist() == designs.ids[rows].tolist()
    assert np.abs(read.images - real[rows] / 2).max() <= 0.5
    assert set(read.extras) == {"kl", "codes"} and not read.given.any()
    sums = real[rows].sum(axis=(1, 3)) / 65535
    np.testing.assert_allclose(read.extras["codes"], sums, rtol=1e-4)
    z = (designs.conditions[rows] - 50) / 5
    np.testing.assert_allclose(read.extras["kl"], sums.sum(axis=1) + z.sum(axis=1), rtol=1e-3)


def test_a_family_without_codes_reconstructs_nothing(tmp_path: Path) -> None:
    spec = fakes.spec()
    request = reconstruction(spec, fakes.designs(spec), 5, 0)
    with pytest.raises(UnsupportedMode, match="Noise"):
        fakes.sampler(fakes.Noise(spec)).draw(request, {}, Parts(tmp_path, "k"))


# memory ----------------------------------------------------------------------------------------------------


class Cramped(fakes.Noise):
    """A device with room for three designs at once."""

    def sample(self, request: SampleRequest, rng: torch.Generator) -> torch.Tensor:
        if request.count > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().sample(request, rng)


@pytest.mark.parametrize("mode", ["unconditional", "conditional", "inpainting"])
def test_a_batch_that_does_not_fit_is_drawn_in_pieces_of_itself(tmp_path: Path, mode: str) -> None:
    spec = fakes.spec()
    designs = fakes.designs(spec)
    request = {
        "unconditional": unconditional(spec, 17),
        "conditional": conditional(spec, designs, 17, 0),
        "inpainting": inpainting(spec, designs, 17, 0, "b"),
    }[mode]
    said: list[int] = []
    sizes = [replace(fakes.sampler(Cramped(spec)), at_once=FittingSize(7, said.append)) for _ in range(2)]
    first, second = (each.draw(request, {}, Parts(tmp_path / str(k), "k"))[0] for k, each in enumerate(sizes))
    assert said == [4, 2] * 2 and first.meta["at_once"] == 2
    assert (first.images == second.images).all() and len(first.images) == 17
    assert first.ids.tolist() == request.ids.tolist()
    roomy = fakes.sampler(fakes.Noise(spec))
    whole, _ = roomy.draw(request, {}, Parts(tmp_path / "whole", "k"))
    assert "at_once" not in whole.meta
    assert np.array_equal(first.conditions, whole.conditions, equal_nan=True)
    if mode == "inpainting":
        assert (first.images[:, 1] == whole.images[:, 1]).all()
    pieces = first.images.reshape(17, -1)
    assert len(np.unique(pieces, axis=0)) > 10  # no piece repeats the draws of another


def test_a_single_design_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    class Full(fakes.Noise):
        def sample(self, request: SampleRequest, rng: torch.Generator) -> torch.Tensor:
            raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")

    spec = fakes.spec()
    with pytest.raises(RuntimeError, match="ALLOC_FAILED") as caught:
        fakes.sampler(Full(spec)).draw(unconditional(spec, 9), {}, Parts(tmp_path, "k"))
    assert exit_class(caught.value) == "oom"
    assert "sampling.batch_size=1" in one_line(caught.value, tmp_path, Stage.SAMPLE)
