"""What the families cost at the size of the profile `quick`: a training step of each phase, and 1000 designs.

Beside the strided samplers stands the naive form: the 1000 evaluations of the published ones, scaled up from
those that were timed.

    python benchmarks/families.py [MODEL...]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from epuredgm.config import Conf, compose
from epuredgm.core.spec import DataSpec
from epuredgm.interface import Batch, GenerativeModel, Phase, Progress, SampleRequest
from epuredgm.sampling.cost import counted
from epuredgm.stages.models import build_model

CONF = Conf(Path(__file__).parents[1] / "conf")
PUBLISHED_EVALUATIONS = 1000
REPEATS, DESIGNS = 7, 100


def seconds(work: Callable[[], object]) -> float:
    """Median over repeats, after one to warm up."""
    taken = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return median(taken[1:])


def designs(spec: DataSpec, count: int) -> Batch:
    """Exclusive blocks; conditions of unit variance."""
    rng = torch.Generator().manual_seed(0)
    labels = torch.randint(spec.channels + 1, (count, 1, spec.height // 8, spec.width // 8), generator=rng)
    images = (labels == torch.arange(1, spec.channels + 1)[:, None, None]).float()
    images = (
        images.repeat_interleave(8, 2).repeat_interleave(8, 3).contiguous(memory_format=torch.channels_last)
    )
    return Batch(images, torch.randn(count, spec.condition_width, generator=rng))


def step(model: GenerativeModel, phase: Phase, batch: Batch) -> float:
    """Seconds of one step: forward and backward of every update, only its own parameters taking gradients."""

    def work() -> None:
        for update in phase.updates:
            model.requires_grad_(False)
            for module in update.modules:
                module.requires_grad_(True)
            progress = Progress(0, 1, 0, 10, torch.Generator().manual_seed(0))
            torch.autograd.backward(update.loss(batch, progress)["loss"])
            model.zero_grad(set_to_none=True)

    model.train()
    return seconds(work)


def draw(model: GenerativeModel) -> tuple[float, int]:
    """Seconds of 1000 unconditional designs, and evaluations of the network."""
    model.eval()
    with torch.inference_mode():
        with counted(model) as calls:
            model.sample(SampleRequest(DESIGNS), torch.Generator().manual_seed(0))
        taken = seconds(lambda: model.sample(SampleRequest(DESIGNS), torch.Generator().manual_seed(0)))
    return taken * 1000 / DESIGNS, max(calls.values())


def main() -> None:
    """Print a row for each family."""
    print(f"{torch.get_num_threads()} threads; medians of {REPEATS}")
    print(f"{'family':14} {'ms per step of each phase':34} {'s/1000':>7} {'evaluations':>11} {'naive':>7}")
    for name in sys.argv[1:] or CONF.names("model"):
        config = compose(CONF, "toy", name, "quick")
        spec = DataSpec.from_config(config["dataset"])
        torch.manual_seed(0)
        model = build_model(config, spec).to(memory_format=torch.channels_last)
        batch = designs(spec, config["training"]["batch_size"])
        kinds = {phase.name.partition("/")[0]: phase for phase in model.phases()}
        steps = ", ".join(f"{kind} {1000 * step(model, phase, batch):.0f}" for kind, phase in kinds.items())
        taken, evaluations = draw(model)
        naive = (
            f"{taken / evaluations * PUBLISHED_EVALUATIONS:7.0f}"
            if config["model"]["sampler"].get("steps")
            else ""
        )
        print(f"{name:14} {steps:34} {taken:7.1f} {evaluations:11d} {naive}")


if __name__ == "__main__":
    main()
