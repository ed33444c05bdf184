"""One file per family: its networks, its losses how it draws; no I/O, no configuration."""
