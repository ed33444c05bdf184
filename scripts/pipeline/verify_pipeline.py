"""The guide's check of the environment: the same as ``epuredgm verify``."""

import sys

from epuredgm.cli import main

if __name__ == "__main__":
    main(["verify", *sys.argv[1:]])
