"""Every family under `conf/model/`."""

from __future__ import annotations

import pytest
import torch
from family_at_test_size import CONF, Family, family_called


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=CONF.names("model"), scope="session")
def family(request: pytest.FixtureRequest) -> Family:
    return family_called(str(request.param))


@pytest.fixture(params=["ours", "paper"], scope="session")
def form(request: pytest.FixtureRequest, family: Family) -> Family:
    """The family as it is by default, and in its published form if it departs from one."""
    if "fidelity" not in family.config["network"]:
        if request.param != "ours":
            pytest.skip("the family has one form")
        return family
    return family.with_network(fidelity=request.param)


@pytest.fixture(scope="session")
def families() -> dict[str, Family]:
    """All of them by name, for tests of what is a family's own."""
    return {name: family_called(name) for name in CONF.names("model")}
