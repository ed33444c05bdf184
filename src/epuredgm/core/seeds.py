"""Seeds by name: every random stream is derived from the run's seed and what it is for."""

from __future__ import annotations

import hashlib


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed for the stream called ``names`` of the run with ``seed``.

    Streams with different names are independent; the same names give the same stream on every machine.

    >>> derive(0, "sample", "conditional") != derive(0, "sample", "unconditional")
    True
    """
    text = "/".join(str(part).replace("/", "//") for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
