"""What a family's keys may be, one module a family, found by the last name of the module in ``model.target``.

Each has two settings classes (:mod:`epuredgm.core.fields`): ``Network`` for ``model.network`` and ``Sampler``
for ``model.sampler``. Together they are the arguments of the family's constructor beside the data set, which
a test holds. Nothing here imports torch: the keys are checked when a study is planned.
"""

from __future__ import annotations

from typing import Annotated, Literal

from epuredgm.core.fields import between

Fidelity = Literal["ours", "paper"]
"""Of a family that departs from its published form: our default, or the paper's."""

Latent = Annotated[int, between(1, 4096)]
Width = Annotated[int, between(1, 65_536)]
Depth = Annotated[int, between(1, 256)]
Components = Annotated[int, between(1, 1000)]
Iterations = Annotated[int, between(0, 100_000)]
Evaluations = Annotated[int, between(1, 10_000)]
Logit = Annotated[float, between(-20, 20)]
Spread = Annotated[float, between(0, 20)]
Temperature = Annotated[float, between(0, 100)]
