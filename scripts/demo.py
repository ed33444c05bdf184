"""From nothing to pictures: phantom data, a short training of the model, samples, a contact sheet.

It is ``epuredgm run`` on a small phantom with few steps, in ``demo/`` (or --workspace DIR).
Further words are passed on, such as ``training.steps=2000``.
"""

import subprocess
import sys
from pathlib import Path

from epuredgm.cli.study import Request, resolve

DATASET, MODEL, SEED, MODE = "nlbs_phantom", "cvae", 0, "conditional"
SHORT = ("dataset.reader.size=tiny", "training.steps=200")


def main(words: list[str]) -> int:
    place = Path(words[words.index("--workspace") + 1] if "--workspace" in words else "demo").resolve()
    own = [] if "--workspace" in words else ["--workspace", str(place)]
    study = ["--dataset", DATASET, "--models", MODEL, "--seeds", str(SEED), "--profile", "quick"]
    command = ["run", *study, "--num-samples", "40", "--skip-evaluation", *SHORT, *own, *words]
    code = subprocess.run([sys.executable, "-m", "epuredgm", *command], check=False).returncode
    if code:
        return code
    workspace = resolve(Request(DATASET, place, models=MODEL, profile="quick")).workspace
    folder = workspace.samples(f"{MODEL}_{DATASET}", SEED, MODE)
    print(f"samples: {folder / 'samples.npz'}\npicture: {folder / 'contact_sheet.png'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
