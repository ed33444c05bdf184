"""``python -m epuredgm``: the same as the ``epuredgm`` command."""

from epuredgm.cli import main

if __name__ == "__main__":
    main()
