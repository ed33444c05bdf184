"""The guide's table of results: the same as ``epuredgm aggregate``."""

import sys

from epuredgm.cli import main

if __name__ == "__main__":
    main(["aggregate", *sys.argv[1:]])
