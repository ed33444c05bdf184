"""The guide's quick test: the same as ``epuredgm run --profile test`` (one epoch, 50 samples, own folder)."""

import sys

from epuredgm.cli import main

if __name__ == "__main__":
    main(["run", "--profile", "test", *sys.argv[1:]])
