"""Every family under `conf/model/`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from family_at_test_size import Family

from epuredgm.config import Conf, compose

CONF = Conf(Path(__file__).parents[2] / "conf")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(params=CONF.names("model"), scope="session")
def family(request: pytest.FixtureRequest) -> Family:
    name = str(request.param)
    config = compose(CONF, "toy", name, "test")
    return Family(name, config["model"], config["training"])
