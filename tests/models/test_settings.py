"""What is declared for families and readers is what they take; what is accepted can be built and trained."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin

import pytest
import torch
from family_at_test_size import CONF, draw, family_called, make_batch, make_spec, request_for, train
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from epuredgm.core.declared import family_settings, reader_settings
from epuredgm.core.fields import collect, hints_of, parts_of, plain
from epuredgm.core.spec import DataSpec
from epuredgm.data.mammography.phantom_cohort import SIZES
from epuredgm.data.mammography.phantom_layouts import LAYOUTS
from epuredgm.data.tables import CASES
from epuredgm.nn import diffusion_solvers, flow
from epuredgm.nn.diffusion import PREDICTIONS
from epuredgm.nn.experts import SOURCES
from epuredgm.nn.importance import BOUNDS
from epuredgm.nn.schedule import SCHEDULES
from epuredgm.nn.zero_inflated import LIKELIHOODS, SCALES
from epuredgm.stages.build import resolve
from epuredgm.stages.models import make_model

FAMILIES = CONF.names("model")
READERS = (
    "epuredgm.data.toy.ToyReader",
    "epuredgm.data.folders.FolderReader",
    "epuredgm.data.mammography.reader.MammographyReader",
    "epuredgm.data.mammography.phantom_reader.PhantomReader",
)
CHOICES: Mapping[str, tuple[str, ...]] = {  # where the words of a choice have a meaning
    "ddpm.prediction": tuple(PREDICTIONS),
    "ddpm.schedule": tuple(SCHEDULES),
    "ddpm.solver": tuple(diffusion_solvers.SOLVERS),
    "mdm.schedule": tuple(SCHEDULES),
    "mdm.kernel": ("uniform", "absorbing"),
    "flow_matching.solver": tuple(flow.SOLVERS),
    "mmvaeplus.objective": tuple(BOUNDS),
    "mmvaeplus.sources": SOURCES,
    "cvae.likelihood": LIKELIHOODS,
    "cvae.scale": SCALES,
    "FolderReader.prefix_case": tuple(CASES),
    "PhantomReader.size": tuple(SIZES),
    "PhantomReader.layout": tuple(LAYOUTS),
}


def declared(name: str) -> dict[str, Any]:
    """Every key of a family, or of a reader, with its type."""
    if name in FAMILIES:
        groups = family_settings(family_called(name).config["target"])
    else:
        groups = (reader_settings(name),)
    return {key: hint for group in groups for key, hint in hints_of(group).items()}


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_takes_exactly_what_is_declared(name: str) -> None:
    signature = inspect.signature(resolve(family_called(name).config["target"]), eval_str=True)
    taken = {p.name: p.annotation for p in list(signature.parameters.values())[1:]}
    expected = {key: plain(hint) for key, hint in declared(name).items()}
    assert expected.keys() == taken.keys()
    for key, kind in expected.items():
        if get_origin(plain(declared(name)[key])) is not list and "Sequence" not in str(taken[key]):
            assert taken[key] == kind, key


@pytest.mark.parametrize("target", READERS)
def test_a_reader_takes_exactly_what_is_declared(target: str) -> None:
    kind = resolve(target)
    taken = dict(list(inspect.signature(kind).parameters.items())[2:])
    if taken.pop(
        "arguments", None
    ):  # the phantom hands on to the reader of files what it does not say itself
        own = {"root", "metadata", "density"}
        others = dict(list(inspect.signature(resolve(READERS[2])).parameters.items())[2:])
        taken = {**{key: others[key] for key in others.keys() - own}, **taken}
    taken.pop("secret", None)  # no setting: of tests and the phantom
    settings = {f.name: f for f in fields(reader_settings(target))}
    assert settings.keys() == taken.keys()
    for name, parameter in taken.items():
        default = settings[name].default
        assert (default == parameter.default) or parameter.default is inspect.Parameter.empty, name


@pytest.mark.parametrize("name", [*FAMILIES, *READERS])
def test_choices_are_those_that_mean_something(name: str) -> None:
    for key, hint in declared(name).items():
        base = parts_of(hint)[0]
        if get_origin(base) is Literal and key != "fidelity":
            assert get_args(base) == CHOICES[f"{name.rpartition('.')[2]}.{key}"], key


INTEGERS = (1, 2, 3, 4, 5, 8, 16)  # small networks: that they can be built is the law, not that they learn
NUMBERS = (0.0, 1e-3, 0.1, 0.5, 0.97, 1.0, 2.5, 30.0)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Small values that a field may have."""
    base, marks, optional = parts_of(hint)
    made = _values(base).filter(lambda value: all(mark.holds(value) for mark in marks))
    return st.none() | made if optional else made


def _values(base: Any) -> st.SearchStrategy[Any]:
    if is_dataclass(base):
        return st.fixed_dictionaries({key: values(hint) for key, hint in hints_of(base).items()})
    if get_origin(base) is Literal:
        return st.sampled_from(get_args(base))
    if get_origin(base) is list:
        return st.lists(values(get_args(base)[0]), min_size=1, max_size=3)
    return {
        bool: st.booleans(),
        int: st.sampled_from(INTEGERS),
        float: st.sampled_from(NUMBERS),
    }[base]


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_accepted_can_be_built_and_trained(name: str, data: st.DataObject) -> None:
    family = family_called(name)
    spec = make_spec(3, 2, size=(16, 12), values=family.draws[0])
    groups = []
    for kind in family_settings(family.config["target"]):
        content = data.draw(values(kind))
        problems: list[str] = []
        collect(kind, content, "", problems, spec)
        assume(not problems)
        groups.append(content)
    torch.manual_seed(0)
    model = make_model(family.config["target"], spec, *groups)
    train(model, lambda step: make_batch(spec, 4, step), 1, lr=1e-4)
    model.eval()
    for mode in family.supports:
        if mode != "reconstruction":
            drawn = draw(model, request_for(mode, make_batch(spec, 2)))
            assert torch.isfinite(drawn).all()


def test_a_trial_has_the_real_size_and_the_real_phases() -> None:
    from epuredgm.config import compose
    from epuredgm.stages.probe import _trial

    for profile in ("test", "full"):
        config = compose(CONF, "toy", "vae", profile)
        model = make_model(
            config["model"]["target"], DataSpec.from_config(config["dataset"]), *_groups(config)
        )
        assert _trial(config, "cpu") == {
            "parameters": sum(p.numel() for p in model.parameters()),
            "error": None,
        }
    other = {**config, "training": {**config["training"], "phases": {}}}
    assert "training.phases.main is missing" in str(_trial(other, "cpu")["error"])


def _groups(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return config["model"]["network"], config["model"]["sampler"]
