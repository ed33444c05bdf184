"""How long threads should spin before they sleep: a training alone, and beside others on the same processors.

Each row is one ``GOMP_SPINCOUNT`` of GNU OpenMP, each column a number of trainings that run at once, and
each has a thread for every processor; what is printed is the median over trainings of the milliseconds per
step. ``fair`` is the time alone, times the number of trainings. The first row is the library's own default;
:data:`epuredgm.core.threads.WAITING` is what workers get unless the user has said otherwise.

    python benchmarks/neighbours.py [--model MODEL] [--profile quick|full] [--seconds 8] [--counts 1,2,3]

Run it on an idle machine, with torch's own OpenMP library (pip's builds for Linux).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

SPINS = (None, "0", "100", "1000", "10000", "100000")
BATCH = {"quick": 32, "full": 16}


def train(model_name: str, profile: str, seconds: float) -> float:
    """Milliseconds of a step: the median over some seconds, after half as many in which others start."""
    import torch

    from epuredgm.config import Conf, compose
    from epuredgm.core.spec import DataSpec
    from epuredgm.interface import Batch, Progress
    from epuredgm.stages.models import build_model

    conf = Conf(Path(__file__).parents[1] / "conf")
    config = compose(conf, "toy", model_name, profile)
    spec = DataSpec.from_config(config["dataset"])
    model = build_model(config, spec).to(memory_format=torch.channels_last).train()
    rng = torch.Generator().manual_seed(0)
    images = (torch.rand(BATCH[profile], spec.channels, spec.height, spec.width, generator=rng) > 0.5).float()
    batch = Batch(images, torch.randn(len(images), spec.condition_width, generator=rng))
    update = model.phases()[0].updates[0]
    optimiser = torch.optim.AdamW([p for module in update.modules for p in module.parameters()], 1e-4)
    taken: list[float] = []
    start = time.perf_counter()
    while time.perf_counter() < start + 1.5 * seconds or len(taken) < 3:  # a step may take longer than that
        before = time.perf_counter()
        loss = update.loss(batch, Progress(0, 1, 0, 10, torch.Generator().manual_seed(0)))["loss"]
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        if before > start + 0.5 * seconds:
            taken.append(time.perf_counter() - before)
    return 1000 * median(taken)


def together(spin: str | None, count: int, options: argparse.Namespace) -> float:
    """The median step of ``count`` trainings that run at the same time."""
    environment = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    environment["OMP_NUM_THREADS"] = str(options.threads)
    if spin is not None:
        environment["GOMP_SPINCOUNT"] = spin
    command = [sys.executable, __file__, "--model", options.model, "--profile", options.profile]
    command += ["--seconds", str(options.seconds), "--alone"]
    trainings = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]
    return median(float(training.communicate()[0]) for training in trainings)


def main() -> None:
    """Print the table."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="flow_matching")
    parser.add_argument("--profile", default="quick", choices=list(BATCH))
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--threads", type=int, default=processors)
    parser.add_argument("--counts", default="1,2,3")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(train(options.model, options.profile, options.seconds))
        return
    counts = [int(word) for word in options.counts.split(",")]
    print(
        f"{options.model}, {options.profile}: ms a step, {options.threads} threads, {processors} processors"
    )
    print(f"{'GOMP_SPINCOUNT':>14}" + "".join(f"{n:>6} at once (fair)" for n in counts))
    for spin in SPINS:
        times = [together(spin, n, options) for n in counts]
        cells = [f"{t:>8.0f} {f'({n * times[0]:.0f})':>12}" for n, t in zip(counts, times, strict=True)]
        print(f"{spin or 'default':>14}" + "".join(cells), flush=True)


if __name__ == "__main__":
    main()
