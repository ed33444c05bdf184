"""From nothing to pictures: phantom data, a short training of the model, samples, a contact sheet.

It is ``epuredgm run`` on a small phantom with few steps, in ``demo/`` (or --workspace DIR).
Further words are passed on, such as ``training.steps=2000``.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from epuredgm.cli.study import Request, resolve

DATASET, MODEL, SEED, MODE = "nlbs_phantom", "cvae", 0, "conditional"
SHORT = (
    "dataset.reader.size=tiny",
    "training.steps=200",
    "training.phases.prior.steps=150",
    "training.eval_every=10",
)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--workspace", type=Path, default="demo", help="default: demo/ here")
    options, others = parser.parse_known_args(words)
    place = options.workspace.resolve()
    words = ["--dataset", DATASET, "--models", MODEL, "--seeds", str(SEED), "--workspace", str(place)]
    words += ["--profile", "quick", "--skip-evaluation", "sampling.num_samples=40", *SHORT, *others]
    code = subprocess.run([sys.executable, "-m", "epuredgm", "run", *words], check=False).returncode
    if code:
        return code
    workspace = resolve(Request(DATASET, place, models=MODEL, profile="quick")).workspace
    folder = workspace.samples(f"{MODEL}_{DATASET}", SEED, MODE)
    print(f"samples: {folder / 'samples.npz'}\npicture: {folder / 'contact_sheet.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
