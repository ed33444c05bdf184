"""The guide's main script: the same as ``epuredgm run``."""

import sys

from epuredgm.cli import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
