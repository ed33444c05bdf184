"""What cannot work is refused when a study is planned, whatever it is and whichever family it is for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from epuredgm.cli.study import Request, resolve
from epuredgm.config import Conf, _checked, compose, find_conf
from epuredgm.core.declared import family_settings, reader_settings
from epuredgm.core.errors import BadRequest
from epuredgm.core.fields import hints_of, parts_of, read
from epuredgm.core.files import flatten
from epuredgm.core.settings import Settings

CONF = find_conf(Path(__file__).parents[2] / "conf")
DATASETS = {"binary": "toy", "grey": "nlbs_phantom"}


@cache
def base(dataset: str, model: str, profile: str) -> dict[str, Any]:
    return compose(CONF, dataset, model, profile)


@cache
def whole(model: str, profile: str = "test") -> dict[str, Any]:
    return base(DATASETS[CONF.drawn_by(model)[0]], model, profile)


def refused(words: list[str], model: str = "vae", dataset: str = "toy", profile: str = "quick") -> str:
    """What is said of a configuration that words change as overrides do (composing each would take long)."""
    content = OmegaConf.create(base(dataset, model, profile))
    for word in words:
        key, _, value = word.lstrip("+~").partition("=")
        if word.startswith("~"):
            group, _, name = key.rpartition(".")
            del OmegaConf.select(content, group)[name]
        else:
            content = OmegaConf.merge(content, OmegaConf.from_dotlist([f"{key}={value}"]))
    plain = OmegaConf.to_container(content)
    assert isinstance(plain, dict)
    with pytest.raises(BadRequest) as error:
        _checked({str(key): value for key, value in plain.items()}, CONF)
    return error.value.message


@pytest.mark.parametrize(
    ("model", "words", "message"),
    [
        (
            "vae",
            ["model.network.fidelity=papper"],
            "must be ours or paper, not 'papper'; did you mean 'paper'?",
        ),
        (
            "flow_matching",
            ["model.sampler.solver=eulr"],
            "must be euler or midpoint, not 'eulr'; did you mean",
        ),
        ("ddpm", ["model.sampler.steps=0"], "model.sampler.steps must be from 1 to 10,000, not 0"),
        ("vae", ["model.network.latent=-3"], "model.network.latent must be from 1 to 4,096, not -3"),
        ("vae", ["model.network.latent=3.5"], "model.network.latent must be a whole number from 1 to 4,096"),
        ("vae", ["model.network.latent=true"], "model.network.latent must be a whole number"),
        (
            "vae",
            ["model.network.encoder.widths=[]"],
            "encoder.widths must be a list of 1 to 12 entries, not []",
        ),
        ("vae", ["model.network.encoder.widths=[32,0]"], "encoder.widths[1] must be from 1 to 65,536, not 0"),
        (
            "vae",
            ["model.network.encoder.widths=32"],
            "encoder.widths must be a list of 1 to 12 entries, not 32",
        ),
        ("vae", ["model.network.condition_dropout=7"], "condition_dropout must be from 0 to 1, not 7"),
        ("vae", ["model.network.condition_dropout=.nan"], "condition_dropout must be from 0 to 1, not nan"),
        (
            "vae",
            ["+model.network.latnet=3"],
            "unknown key model.network.latnet; did you mean model.network.latent?",
        ),
        ("vae", ["~model.network.latent"], "missing key model.network.latent"),
        ("vae", ["+model.sampler.steps=3"], "unknown key model.sampler.steps"),
        (
            "vae",
            ["model.network.encoder.patch=100"],
            "must be at most the picture's longer edge, 64, not 100",
        ),
        ("vae", ["model.network.decoder.widths=[1,1,1,1,1,1,1,1]"], "widths halves the grid too often"),
        (
            "ddpm",
            ["model.network.unet.widths=[64,100]"],
            "must end with a multiple of its 3 heads of attention",
        ),
        ("ddpm", ["model.network.context=33"], "context must be an even number from 2 to 65,536, not 33"),
        ("ddpm", ["model.network.prediction=v"], "prediction must be x0 with fidelity ours, not 'v'"),
        ("ddpm", ["model.sampler.last_time=1"], "last_time must be above 0 and below 1, not 1"),
        (
            "mdm",
            ["model.network.fidelity=paper", "model.network.kernel=absorbing"],
            "must be uniform with fidelity",
        ),
        ("mdm", ["model.sampler.temperature=0"], "temperature must be above 0 and at most 100, not 0"),
        (
            "vqvae",
            ["model.network.prior_heads=3"],
            "prior_width must be a multiple of prior_heads (3), not 128",
        ),
        (
            "vqvae",
            ["model.network.levels=[1024,1024,1024]"],
            "must have a product, the number of codes, of at most",
        ),
        (
            "gmrf_mvae",
            ["model.network.edges=[[0,3]]"],
            "must hold pairs of different numbers from 0 to 2, not [0, 3]",
        ),
        (
            "cvae",
            ["model.network.scale=lokal"],
            "must be local, learned or analytic, not 'lokal'; did you mean 'local'",
        ),
        (
            "vae",
            ["model.target=epuredgm.models.vaee.VAE"],
            "no module 'vaee' in epuredgm.models; did you mean 'vae'?",
        ),
        (
            "vae",
            ["model.target=epuredgm.models.vae.Vae"],
            "epuredgm.models.vae defines no 'Vae'; did you mean",
        ),
        ("vae", ["model.target=os.system"], "'os.system' is not part of epuredgm"),
        ("vae", ["model.target=epuredgm.data.toy.ToyReader"], "ToyReader is not a model"),
        ("vae", ["dataset.reader._target_=epuredgm.data.toy.render"], "defines no 'render'"),
        ("vae", ["dataset.reader._target_=epuredgm.models.vae.VAE"], "VAE is not a reader"),
        ("vae", ["dataset.reader.count=-1"], "dataset.reader.count must be from 2 to 10,000,000, not -1"),
        (
            "vae",
            ["+dataset.reader.cuont=9"],
            "unknown key dataset.reader.cuont; did you mean dataset.reader.count?",
        ),
        ("vae", ["dataset.bits=12"], "dataset.bits must be 8 or 16, not 12"),
        ("vae", ["dataset.size=[64]"], "dataset.size must be [height, width] in pixels, not [64]"),
        (
            "vae",
            ["dataset.values=gray"],
            "dataset.values must be binary or grey, not 'gray'; did you mean 'grey'?",
        ),
        ("vae", ["training.batch_size=1000000000"], "training.batch_size must be from 1 to 65,536"),
        ("vae", ["training.precision=fp8"], "must be auto, fp32, bf16 or fp16, not 'fp8'; did you mean 'fp"),
        ("vae", ["training.lr=1e400"], "training.lr must be"),
        ("vae", ["sampling.num_samples=100000000000"], "sampling.num_samples must be from 1 to 10,000,000"),
        ("vae", ["sampling.beyond=1000"], "sampling.beyond must be above 0 and at most 10, not 1000"),
        ("vae", ["sampling.num_samples=10000000", "sampling.completions=100"], "in one file"),
        ("cvae", ["training.batch_size=65536", "dataset.size=[2048,2048]"], "GiB before the first layer"),
        ("vae", ["study.seeds=[0,-1]"], "study.seeds[1] must be from 0 to 2^63 - 1, not -1"),
        ("vae", ["model.supports=[uncondtional]"], "uncondtional'; did you mean 'unconditional'?"),
        ("vae", ["profile.like=quik"], "profile.like is 'quik', which is no profile; did you mean 'quick'?"),
        ("vae", ["training.phases.main.keep=newest"], "keep must be best or last, not 'newest'"),
        (
            "vae",
            ["training.phases.main.updates.all.optimizer.name=adam_w"],
            "must be adam or adamw, not 'adam_w'",
        ),
        ("vae", ["reference.inception.sha256=xyz"], "must be the first 8 to 64 hexadecimal digits"),
    ],
)
def test_nonsense_is_refused_with_its_key_and_what_would_do(
    model: str, words: list[str], message: str
) -> None:
    assert message in refused(words, model, "nlbs_phantom" if model == "cvae" else "toy")


def test_settings_of_mammogram_readers_are_checked_too() -> None:
    assert "size must be tiny, small or full, not 'smal'; did you mean 'small'?" in refused(
        ["dataset.reader.size=smal"], "cvae", "nlbs_phantom"
    )
    told = refused(
        ["dataset.reader.patches={canvas: 32, stride: 0}", "dataset.reader.foreground=1"], "cvae", "nlbs"
    )
    assert "patches.stride must be from 1 to 65,536, not 0" in told
    assert "dataset.reader.foreground must be at least 0 and below 1, not 1" in told
    told = refused(["dataset.reader.patches={canvas: 32, stride: 8}"], "cvae", "nlbs")
    assert "patches.canvas must be at least a patch's edge (dataset.size), 64, not 32" in told
    assert "prefix_case must be lower, upper or keep, not 'title'" in refused(
        ["dataset.reader.prefix_case=title"], dataset="epure"
    )
    assert "must be a file name with {prefix} in it" in refused(
        ["dataset.reader.pattern=x.png"], dataset="epure"
    )


def test_everything_wrong_is_told_at_once_for_every_family() -> None:
    words = (
        "training.batch_size=0",
        "dataset.reader.count=0",
        "vae:model.network.latent=0",
        "ddpm:model.sampler.steps=0",
    )
    with pytest.raises(BadRequest) as error:
        resolve(Request("toy", Path("/nowhere"), models="vae,ddpm,mdm", profile="quick", overrides=words))
    told = error.value.message
    assert [told.count(key) for key in ("model.network.latent", "model.sampler.steps")] == [1, 1]
    assert "dataset.reader.count" in told
    assert "training.batch_size" in told
    assert [told.count(key) for key in ("dataset.reader.count", "training.batch_size")] == [1, 1]  # for all
    assert all(f"{model}: configuration:" in told for model in ("vae", "ddpm"))


@pytest.mark.parametrize("model", CONF.names("model"))
def test_both_forms_of_a_family_are_accepted(model: str) -> None:
    for profile in ("test", "full"):
        config = whole(model, profile)
        if "fidelity" in config["model"]["network"]:
            assert _checked_with(config, "model.network.fidelity", "paper") is None


def declared(model: str) -> Iterator[tuple[str, Any]]:
    """Every key of a family and of the reader that it is tried with, nested ones too."""
    config = whole(model)
    network, sampler = family_settings(config["model"]["target"])
    reader = reader_settings(config["dataset"]["reader"]["_target_"])
    for key, kind in (("model.network", network), ("model.sampler", sampler), ("dataset.reader", reader)):
        yield from _leaves(key, kind)


def _leaves(key: str, kind: Any) -> Iterator[tuple[str, Any]]:
    for name, hint in hints_of(kind).items():
        base = parts_of(hint)[0]
        if hasattr(base, "__dataclass_fields__") and not parts_of(hint)[2]:
            yield from _leaves(f"{key}.{name}", base)
        else:
            yield f"{key}.{name}", hint


@pytest.mark.parametrize("model", CONF.names("model"))
def test_every_key_of_every_family_refuses_what_it_cannot_be(model: str) -> None:
    config = whole(model)
    for key, hint in declared(model):
        base, marks, _ = parts_of(hint)
        said = base in (bool, str) or get_origin(base) in (Literal, list) or is_dataclass(base)
        assert marks or said, f"{key} takes anything"
        wrong: Any = "no such thing" if base is not str or marks else 7
        if get_origin(base) is Literal:
            assert isinstance(get_args(base)[0], str)
        message = _checked_with(config, key, wrong)
        assert message is None or key in message
        assert message is not None or base is str, key


def _checked_with(config: dict[str, Any], key: str, value: Any) -> str | None:
    """The refusal of a whole configuration in which one key has another value, or None."""
    changed = _with(config, key.split("."), value)
    try:
        _checked(changed, CONF)
    except BadRequest as error:
        return error.message
    return None


def _with(content: dict[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    return {**content, path[0]: _with(content[path[0]], path[1:], value) if path[1:] else value}


JUNK = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.lists(st.integers() | st.text(max_size=3), max_size=3)
    | st.dictionaries(st.text(max_size=4), st.integers(), max_size=2)
)  # fmt: skip


@given(st.sampled_from(["cvae", "vae", "vqvae"]), st.data(), JUNK)
def test_no_value_of_any_key_gives_anything_but_a_line_that_names_it(
    model: str, data: st.DataObject, junk: Any
) -> None:
    config = whole(model)
    key = data.draw(st.sampled_from(sorted({*flatten(config), *config, "model.network", "dataset.reader"})))
    if key.startswith(("dataset.condition_sets", "dataset.components")):
        key = ".".join(key.split(".")[:2])  # names with dots of their own
    message = _checked_with(config, key, junk)
    assert message is None or message.startswith("configuration:\n  - ") or "data set" in message


def test_a_family_without_declared_settings_is_refused_with_what_to_write(tmp_path: Path) -> None:
    own = tmp_path / "conf"
    shutil.copytree(CONF.root, own)
    text = (own / "model" / "vae.yaml").read_text().replace("name: vae", "name: mine")
    (own / "model" / "mine.yaml").write_text(text.replace("epuredgm.models.vae.VAE", "epuredgm.nn.unet.UNet"))
    with pytest.raises(BadRequest, match=r"the classes Network and Sampler in epuredgm\.nn\.settings\.unet"):
        compose(Conf(own), "toy", "mine", "quick")


def test_checking_imports_no_torch_and_no_numpy() -> None:
    code = (
        "import sys; from epuredgm.config import *; conf = find_conf();"
        "suits = {m: 'toy' if 'binary' in conf.drawn_by(m) else 'nlbs' for m in conf.names('model')};"
        "[compose(conf, dataset, model, 'full') for model, dataset in suits.items()];"
        "print(sorted({'torch', 'numpy', 'pandas', 'PIL'} & set(sys.modules)))"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "[]"


def test_what_is_read_back_from_a_configuration_is_the_same() -> None:
    config = whole("vae")
    assert asdict(read(Settings, config)) == config
