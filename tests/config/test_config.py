"""Composition: every configuration is whole, profiles scale, mistakes are named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from epuredgm.config import Conf, Overrides, compose, find_conf, sources
from epuredgm.core.errors import BadRequest
from epuredgm.core.files import flatten
from epuredgm.core.jobs import Stage
from epuredgm.orchestration.fingerprint import facts, fingerprint, hashed

CONF = find_conf(Path(__file__).parents[2] / "conf")
EVERY = [
    (dataset, model, profile)
    for dataset in CONF.names("dataset")
    for model in CONF.names("model")
    for profile in CONF.names("profile")
]


STORED = json.loads((Path(__file__).parent / "fingerprints.json").read_text())
"""Of every shipped configuration that suits; results that people have are kept under them, so they stay."""


def fingerprints(config: dict[str, Any]) -> dict[str, str]:
    """The first digits of each stage's fingerprint, without seed, mode and the version raised by hand."""
    known = facts(config)
    content = {stage: {**hashed(stage, known), "version": 0} for stage in Stage}
    return {str(stage): fingerprint(each)[:12] for stage, each in content.items()}


@pytest.mark.parametrize(("dataset", "model", "profile"), EVERY)
def test_every_combination_keeps_its_fingerprints(dataset: str, model: str, profile: str) -> None:
    config = compose(CONF, dataset, model, profile)
    if config["dataset"]["values"] in config["model"]["draws"]:
        assert fingerprints(config) == STORED[f"{dataset}/{model}/{profile}"]
    assert (config["dataset"]["name"], config["model"]["name"], config["profile"]["name"]) == (
        dataset,
        model,
        profile,
    )


@pytest.mark.parametrize("model", CONF.names("model"))
def test_profiles_change_values_and_never_rename_a_key(model: str) -> None:
    keys = [set(flatten(compose(CONF, "toy", model, profile))) for profile in CONF.names("profile")]
    assert all(each == keys[0] for each in keys)


def test_the_full_profile_is_the_published_study() -> None:
    config = compose(CONF, "toy", "vae", "full")
    assert config["study"]["seeds"] == [0, 1, 2]
    assert config["sampling"]["num_samples"] == 1000
    assert (
        config["training"]["epochs"],
        config["training"]["check_every"],
        config["training"]["eval_every"],
    ) == (
        100,
        25,
        10,
    )


def test_an_override_wins_and_is_named_as_the_source() -> None:
    words = ("training.batch_size=17",)
    config = compose(CONF, "toy", "vae", "quick", words)
    origin = sources(CONF, config, words)
    assert config["training"]["batch_size"] == 17
    assert origin["training.batch_size"] == "command line: training.batch_size=17"
    assert origin["dataset.size"] == "conf/dataset/toy.yaml"
    assert origin["sampling.num_samples"] == "conf/config.yaml (profile quick)"
    assert set(origin) == set(flatten(config))


def test_what_a_data_set_builds_on_is_named_as_the_source() -> None:
    config = compose(CONF, "nlbs_phantom", "cvae", "quick")
    origin = sources(CONF, config)
    assert origin["dataset.values"] == "conf/dataset/common/mammograms.yaml"
    assert origin["dataset.name"] == "conf/dataset/nlbs_phantom.yaml"
    assert set(origin) == set(flatten(config))


def test_scoped_words_reach_one_model() -> None:
    overrides = Overrides.parse(["training.lr=1e-3", "vae:training.lr=2e-3"], ["vae", "ddpm"])
    assert overrides.for_model("ddpm") == ("training.lr=1e-3",)
    assert overrides.for_model("vae") == ("training.lr=1e-3", "training.lr=2e-3")


@pytest.mark.parametrize("word", ["a.b=1", "+a.b=1", "++a=b=c", "~a.b", "~a=1", "a@b=1", "a='x y'", "a="])
def test_every_form_of_override_reaches_all_models_or_one(word: str) -> None:
    overrides = Overrides.parse([f" {word} ", f"vae:{word}"], ["vae", "ddpm"])
    assert overrides.for_model("ddpm") == (word,)
    assert overrides.for_model("vae") == (word, word)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["training.batchsize=3"],
            r"unknown configuration key 'training.batchsize'; did you mean 'training.batch_size'",
        ),
        (["+training.foo=3"], r"unknown key training.foo"),
        (
            ["training.batch_size=many"],
            r"batch_size must be a whole number from 1 to 65,536, not 'many'",
        ),
        (["training.batch_size=0"], r"training.batch_size must be from 1 to 65,536, not 0"),
        (["training.epochs=3", "training.steps=3"], r"exactly one of epochs and steps"),
        (["dataset.conditions=colour"], r"no condition set 'colour'"),
        (["dataset=epure"], r"Use --dataset"),
        (["dataset.name=other"], r"Use --dataset"),
        (["dataset.private=false"], r"(?s)would let private data out.*dataset.toy\.yaml"),
        (["+dataset.private=no"], r"would let private data out"),
        (["~dataset.private"], r"would let private data out"),
        (["model.name=other"], r"Use --dataset"),
        (["profile.branch=/tmp"], r"profile.branch must be a folder inside"),
        (["profile.branch='a/../..'"], r"profile.branch must be a folder inside"),
        (["study.seeds=[]"], r"study.seeds must be one or more"),
        (["model.supports=[]"], r"model.supports must be one or more"),
        (["training.lr=inf"], r"training.lr must be above 0 and at most 100, not inf"),
        (["experiment=none_such"], r"unknown experiment"),
        (["training.batch_size={"], r"cannot read the value of 'training.batch_size={'"),
    ],
)
def test_a_mistake_is_one_message(words: list[str], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        compose(CONF, "toy", "vae", "quick", words)


def test_a_data_set_can_be_made_private_on_the_command_line_but_not_public() -> None:
    assert compose(CONF, "toy", "vae", "quick", ["dataset.private=true"])["dataset"]["private"] is True


@pytest.mark.parametrize(
    "word", ["batch_size", "ddmp:training.lr=1", "=3", "+=3", "~", "vae:=3", "vae:~", ""]
)
def test_a_word_that_is_no_override_is_refused(word: str) -> None:
    with pytest.raises(BadRequest):
        Overrides.parse([word], ["vae"])


@pytest.mark.parametrize(("group", "name", "near"), [("model", "vaee", "vae"), ("dataset", "toyy", "toy")])
def test_an_unknown_name_is_answered_with_the_nearest(group: str, name: str, near: str) -> None:
    with pytest.raises(BadRequest, match=f"did you mean '{near}'"):
        CONF.check(group, name)


def test_conf_is_found_upward_and_only_where_it_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "conf"
    (own / "model").mkdir(parents=True)
    (own / "dataset").mkdir()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert find_conf() == Conf(CONF.root)  # own has no config.yaml yet: it is somebody else's folder
    (own / "config.yaml").write_text("")
    assert find_conf() == Conf(own)
    with pytest.raises(BadRequest, match="not a configuration folder"):
        find_conf(deep)


def test_a_profile_without_a_value_of_its_own_takes_that_of_the_one_it_is_like(tmp_path: Path) -> None:
    import shutil

    own = tmp_path / "conf"
    shutil.copytree(CONF.root, own)
    text = (own / "profile" / "quick.yaml").read_text()
    (own / "profile" / "mine.yaml").write_text(
        text.replace("name: quick", "name: mine").replace("like: full", "like: quick")
    )
    mine: dict[str, Any] = compose(Conf(own), "toy", "vae", "mine")
    quick = compose(CONF, "toy", "vae", "quick")
    assert {**mine, "profile": None} == {**quick, "profile": None}


@pytest.mark.parametrize("group", ["experiment", "profile", "model"])
def test_only_its_own_file_makes_a_data_set_public(tmp_path: Path, group: str) -> None:
    conf = Conf(Path(shutil.copytree(CONF.root, tmp_path / "conf")))
    (conf.root / "experiment").mkdir(exist_ok=True)
    name = {"experiment": "open", "profile": "test", "model": "cvae"}[group]
    file = conf.root / group / f"{name}.yaml"
    before = file.read_text() if file.exists() else "# @package _global_\n"
    file.write_text(before + "dataset: {private: false}\n")
    words = ("+experiment=open",) if group == "experiment" else ()
    with pytest.raises(
        BadRequest, match=r"dataset\.private is false, and .*nlbs\.yaml, line \d+ says otherwise"
    ):
        compose(conf, "nlbs", "cvae", "test", words)
    assert compose(conf, "nlbs_phantom", "cvae", "test", words)["dataset"]["private"] is False
    file.write_text(before + "dataset: {private: true}\n")
    assert compose(conf, "nlbs_phantom", "cvae", "test", words)["dataset"]["private"] is True
