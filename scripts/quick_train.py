"""A short training on the phantom, to see the loss fall: the training of ``epuredgm run`` and no more.

It works in ``quick_train/`` (or --workspace DIR) and ends with exit code 1 if the loss did not fall. Further
words are passed on, such as ``training.steps=2000``.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import fmean

from epuredgm.cli.study import Request, resolve
from epuredgm.orchestration.pointers import read_pointer

DATASET, MODEL, SEED = "nlbs_phantom", "cvae", 0
SHORT = (
    "dataset.reader.size=tiny",
    "training.steps=60",
    "training.phases.prior.steps=10",
    "training.eval_every=5",
    "training.log_every=5",
)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--workspace", type=Path, default="quick_train", help="default: quick_train/ here")
    options, others = parser.parse_known_args(words)
    place = options.workspace.resolve()
    words = ["--dataset", DATASET, "--models", MODEL, "--seeds", str(SEED), "--workspace", str(place)]
    words += ["--profile", "quick", "--skip-sampling", "--skip-evaluation", *SHORT, *others]
    code = subprocess.run([sys.executable, "-m", "epuredgm", "run", *words], check=False).returncode
    if code:
        return code
    workspace = resolve(Request(DATASET, place, models=MODEL, profile="quick")).workspace
    run = read_pointer(workspace.run_pointer(f"{MODEL}_{DATASET}", SEED))
    assert run is not None
    losses = first_phase(run / "history.jsonl")
    few = max(1, len(losses) // 5)
    before, after = fmean(losses[:few]), fmean(losses[-few:])
    print(f"loss {before:.5g} -> {after:.5g} over {len(losses)} lines of {run / 'history.jsonl'}")
    return 0 if after < before else 1


def first_phase(history: Path) -> list[float]:
    """Training losses of the first phase, in order; those that were not finite are left out."""
    lines = [json.loads(line) for line in history.read_text().splitlines()]
    own = [line for line in lines if line["kind"] == "train" and line["phase"] == lines[0]["phase"]]
    losses = [next(v for name, v in line["terms"].items() if name.endswith(".loss")) for line in own]
    return [loss for loss in losses if loss is not None]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
