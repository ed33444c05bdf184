"""Words of a command line: read literally, lengths of training that replace each other, no traceback."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.config import Conf, Overrides, compose, find_conf, sources
from epuredgm.core.errors import BadRequest
from epuredgm.overrides import Word, declared, value_of

CONF = find_conf(Path(__file__).parents[2] / "conf")
EXAMPLES = 10_000 if settings().derandomize is False else 25
OTHER = {"epochs": "steps", "steps": "epochs"}


@pytest.mark.parametrize("profile", CONF.names("profile"))
@pytest.mark.parametrize("model", CONF.names("model"))
def test_one_length_of_training_replaces_the_other_in_every_phase(model: str, profile: str) -> None:
    for name, other in OTHER.items():
        training = compose(CONF, "toy", model, profile, [f"training.{name}=5"])["training"]
        for section in (training, *training["phases"].values()):
            assert (section[name], section[other]) == (5, None)


@pytest.mark.parametrize("model", CONF.names("model"))
@pytest.mark.parametrize("name", OTHER)
def test_a_phase_may_have_a_length_of_its_own(model: str, name: str) -> None:
    before = compose(CONF, "toy", model, "quick")["training"]["phases"]
    for phase in before:
        words = [f"training.phases.{phase}.{name}=3"]
        after = compose(CONF, "toy", model, "quick", words)["training"]["phases"]
        assert (after[phase][name], after[phase][OTHER[name]]) == (3, None)
        assert {each: after[each] for each in after if each != phase} == {
            each: before[each] for each in before if each != phase
        }
        both = compose(CONF, "toy", model, "quick", [*words, f"training.{OTHER[name]}=7"])["training"]
        assert both["phases"][phase][name] == 3
        assert all(each[OTHER[name]] == 7 for at, each in both["phases"].items() if at != phase)


def test_what_is_said_for_one_model_replaces_what_is_said_for_all() -> None:
    words = Overrides.parse(["training.epochs=5", "vae:training.steps=10"], CONF.names("model"))
    vae = compose(CONF, "toy", "vae", "quick", words.for_model("vae"))["training"]
    ddpm = compose(CONF, "toy", "ddpm", "quick", words.for_model("ddpm"))["training"]
    assert (vae["epochs"], vae["steps"]) == (None, 10)
    assert (ddpm["epochs"], ddpm["steps"]) == (5, None)


def test_an_experiment_gives_a_length_and_the_command_line_another(tmp_path: Path) -> None:
    own = Conf(Path(shutil.copytree(CONF.root, tmp_path / "conf")))
    (own.root / "experiment").mkdir()
    text = "# @package _global_\ntraining:\n  epochs: 4\n"
    (own.root / "experiment" / "short run.yaml").write_text(text)
    for model in ("vae", "vqvae", "cvae"):
        for word in ("experiment=short run", "+experiment=short run"):
            training = compose(own, "toy", model, "quick", [word])["training"]
            assert all((each["epochs"], each["steps"]) == (4, None) for each in training["phases"].values())
        training = compose(own, "toy", model, "quick", ["experiment=short run", "training.steps=9"])[
            "training"
        ]
        assert all((each["epochs"], each["steps"]) == (None, 9) for each in training["phases"].values())
    (own.root / "experiment" / "both.yaml").write_text(text + "  steps: 5\n")
    with pytest.raises(BadRequest, match="both given"):
        compose(own, "toy", "vae", "quick", ["experiment=both"])


@pytest.mark.parametrize(
    "words",
    [
        ["training.epochs=3", "training.steps=3"],
        ["training.phases.main.epochs=3", "training.phases.main.steps=3"],
        ["training.phases.main={epochs: 3, steps: 3}"],
    ],
)
def test_both_lengths_are_refused(words: list[str]) -> None:
    with pytest.raises(BadRequest, match="both given"):
        compose(CONF, "toy", "vae", "quick", words)


def test_what_was_cleared_names_the_word_behind_it() -> None:
    words = ["training.epochs=5"]
    origin = sources(CONF, compose(CONF, "toy", "vqvae", "quick", words), words)
    for key in ("training.epochs", "training.steps", "training.phases.prior.steps"):
        assert origin[key] == "command line: training.epochs=5"


LITERAL = [
    "/data/a=b", "/data/a b", "/data/é", "/data/#1", "/data/a&b", "/data/o'brien", '/data/"x', "/data/[1]",
    "/data/{a}", "/data/a,b", "/data/(1)", "C:\\data\\x", "C:\\data\\", "\\\\host", "~/data", "${HOME}/x",
    "/data/${a", "$HOME", "/data/*", "range(1,4)", "choice(a,b)", "2024", "1e-3", "true", "a: b", "- a", "!x",
    "@x", "%x", "a;b|c", "日本", "x=null", "a\nb", "\\", "'", "[", "{", "a\\${b}",
]  # fmt: skip


@pytest.mark.parametrize("value", LITERAL)
@pytest.mark.parametrize("key", ["dataset.root", "dataset.description", "reference.inception.weights"])
def test_a_key_that_holds_text_takes_the_rest_of_the_word(key: str, value: str) -> None:
    config = compose(CONF, "nlbs", "cvae", "quick", [f"{key}={value}"])
    section, _, name = key.rpartition(".")
    for each in section.split("."):
        config = config[each]
    assert config[name] == value


@pytest.mark.parametrize("value", LITERAL)
def test_what_refers_to_a_text_has_it_too(value: str) -> None:
    config = compose(CONF, "nlbs", "cvae", "quick", [f"dataset.root={value}"])
    assert config["dataset"]["reader"]["root"] == value
    assert (
        compose(CONF, "epure", "vae", "quick", [f"dataset.reader.table={value}"])["dataset"]["reader"][
            "table"
        ]
        == value
    )


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("training.batch_size=32", 32), ("training.batch_size='32'", 32), ("training.lr=1e-3", 1e-3),
        ("training.lr=.5", 0.5), ("training.lr=2", 2), ("training.compile=true", True),
        ("training.compile=False", False), ("training.patience=null", None), ("study.seeds=[]", []),
        ("study.seeds=[0,1,2]", [0, 1, 2]),
        ("dataset.models=[vae, 'a b']", ["vae", "a b"]),
        ("dataset.models=null", None), ("dataset.root=null", None), ("dataset.root='/a b'", "/a b"),
        ("dataset.reader.patches={canvas: 1024, foreground: 0.2}", {"canvas": 1024, "foreground": 0.2}),
        ("dataset.reader.patches={canvas:1024,foreground:0.2}", {"canvas": 1024, "foreground": 0.2}),
        ("dataset.condition_sets.x={a: {values: [no, yes]}}", {"a": {"values": ["no", "yes"]}}),
        ("dataset.reader.workers=4", 4), ("dataset.reader.admit_identified=a, b", "a, b"),
        ("dataset.reader.admit_identified=[for the, board", "[for the, board"),
    ],
)  # fmt: skip
def test_a_value_is_what_it_looks_like(word: str, value: object) -> None:
    read = value_of(Word.parse(word), None)
    assert (read, type(read)) == (value, type(value))


def test_types_are_found_by_key() -> None:
    assert declared("training.lr") == (float, False)
    assert declared("dataset.root") == (str, True)
    assert declared("training.phases.any.epochs") == (int, True)
    assert declared("nothing.at.all")[0] is None


KEYS = st.sampled_from(
    [
        "training.lr",
        "training.epochs",
        "training.phases",
        "training.phases.main.steps",
        "dataset.root",
        "dataset",
        "dataset.size",
        "dataset.components.fpu.color",
        "model.network",
        "model.network.latent",
        "study.seeds",
        "dataset.reader.x",
        "experiment",
        "model",
        "profile.like",
        "profile.branch",
        "",
        "a",
        ".",
        "a..b",
        "hydra.x",
    ]
)
VALUES = st.sampled_from(
    [
        "",
        "1",
        "-1",
        "1e-3",
        "nan",
        "null",
        "true",
        "[",
        "[]",
        "[1,2]",
        "{}",
        "{a: 1}",
        "{a: [1, {b: }]}",
        "a,b",
        "range(1,4)",
        "choice(a)",
        "glob(*)",
        "${training.lr}",
        "${",
        "'",
        '"',
        "'a'",
        "???",
        "9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
        "{a.b: 1}",
    ]
)
ANY = st.one_of(
    st.builds(
        lambda scope, sign, key, equals, value: f"{scope}{sign}{key}{equals}{value}",
        st.sampled_from(["", "", "", "vae:", "nobody:", ":"]),
        st.sampled_from(["", "", "", "+", "++", "~"]),
        st.one_of(KEYS, st.text(max_size=8)),
        st.sampled_from(["=", "=", "=", "", "=="]),
        st.one_of(VALUES, st.text(max_size=10)),
    ),
    st.text(max_size=20),
)


@settings(max_examples=EXAMPLES)
@given(st.lists(ANY, max_size=3))
def test_no_words_give_a_traceback(words: list[str]) -> None:
    try:
        overrides = Overrides.parse(words, CONF.names("model"))
        config = compose(CONF, "toy", "vae", "quick", overrides.for_model("vae"))
        assert set(sources(CONF, config, overrides.for_model("vae"))) >= {"training.batch_size"}
    except BadRequest as error:
        assert error.message
        assert "ydra" not in error.message.replace("hydra.x", "") or any("ydra" in word for word in words)
