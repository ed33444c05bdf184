"""A configuration file is called like what it holds, so that no copy reads or overwrites another's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from epuredgm.cli import main
from epuredgm.cli.checks import _folder
from epuredgm.cli.study import Request, resolve
from epuredgm.config import Conf, compose, find_conf
from epuredgm.core.errors import BadRequest

CONF = find_conf(Path(__file__).parents[2] / "conf")
Copy = Callable[[str, str, str], Path]


@pytest.fixture
def own(tmp_path: Path) -> Conf:
    shutil.copytree(CONF.root, tmp_path / "conf")
    return Conf(tmp_path / "conf")


@pytest.fixture
def copied(own: Conf) -> Copy:
    def copy(group: str, name: str, to: str) -> Path:
        return Path(shutil.copy(own.root / group / f"{name}.yaml", own.root / group / f"{to}.yaml"))

    return copy


@pytest.mark.parametrize(
    ("group", "name", "to"),
    [("dataset", "epure", "pneus"), ("model", "vae", "vae2"), ("profile", "test", "mine")],
)
def test_a_copy_that_kept_its_name_is_refused(
    own: Conf, copied: Copy, group: str, name: str, to: str
) -> None:
    file = copied(group, name, to)
    chosen = {"dataset": "toy", "model": "vae", "profile": "quick", group: to}
    with pytest.raises(BadRequest) as error:
        compose(own, chosen["dataset"], chosen["model"], chosen["profile"])
    assert error.value.message.startswith(f"{file}, line 4: {group}.name is {name!r}")
    assert repr(to) in error.value.message
    assert f"name: {to}" in error.value.hint
    file.write_text(file.read_text().replace(f"name: {name}", f"name: {to}"))
    assert compose(own, chosen["dataset"], chosen["model"], chosen["profile"])[group]["name"] == to


def test_a_name_that_comes_from_elsewhere_is_refused_with_where(own: Conf) -> None:
    (own.root / "dataset" / "pneus.yaml").write_text("# @package _global_\ndefaults: [epure]\n")
    with pytest.raises(BadRequest, match=r"epure\.yaml, line 4: dataset\.name is 'epure'.*'pneus'"):
        compose(own, "pneus", "vae", "quick")
    (own.root / "experiment").mkdir()
    (own.root / "experiment" / "late.yaml").write_text("# @package _global_\ndataset:\n  name: epure\n")
    with pytest.raises(BadRequest, match=r"late\.yaml, line 3: dataset\.name is 'epure'.*'toy'"):
        compose(own, "toy", "vae", "quick", ["experiment=late"])


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--dry-run", "--dataset", "pneus"],
        ["run", "--dry-run", "--dataset", "toy"],  # would take vae2, which calls itself vae
        ["verify", "--dataset", "pneus"],
        ["config", "--dataset", "pneus"],
        ["config", "--dataset", "toy", "--models", "vae2"],
        ["models"],
        ["data", "verify", "pneus"],
        ["data", "inspect", "pneus"],
        ["data", "make", "pneus"],
        ["data", "export", "pneus"],
        ["aggregate", "--dataset", "pneus"],
        ["report", "--dataset", "pneus"],
    ],
)
def test_every_command_that_opens_such_a_file_says_so(
    own: Conf, copied: Copy, tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    copied("dataset", "epure", "pneus")
    copied("model", "vae", "vae2")
    places = ["--conf", str(own.root)]
    if words[0] not in ("config", "models"):
        places += ["--workspace", str(tmp_path / "w")]
    (tmp_path / "w").mkdir()
    with pytest.raises(SystemExit) as ended:
        main([*words, *places])
    assert ended.value.code == {"verify": 1, "models": 0}.get(words[0], 2)  # a list shows it in its row
    told = " ".join("".join(capsys.readouterr()).split())
    assert ".name is 'epure'" in told or ".name is 'vae'" in told
    assert not list((tmp_path / "w").iterdir())


def test_a_folder_that_the_reader_does_not_look_at_is_refused() -> None:
    assert (
        compose(CONF, "epure", "vae", "quick", ["dataset.root=/data"])["dataset"]["reader"]["root"] == "/data"
    )
    assert compose(CONF, "epure", "vae", "quick", ["dataset.reader.root=/data"])["dataset"]["root"] is None
    with pytest.raises(BadRequest, match=r"does not look there: dataset\.reader\.root is '/data'"):
        compose(CONF, "epure", "vae", "quick", ["dataset.root=/other", "dataset.reader.root=/data"])
    with pytest.raises(BadRequest, match="reads no folder"):
        compose(CONF, "toy", "vae", "quick", ["dataset.root=/data"])
    with pytest.raises(BadRequest, match="reads no folder"):
        compose(CONF, "nlbs_phantom", "cvae", "quick", ["dataset.root=/data"])


def test_verify_tells_of_a_folder_that_two_data_sets_read_and_of_files_that_none_reads(
    own: Conf, copied: Copy, tmp_path: Path
) -> None:
    file = copied("dataset", "epure", "pneus")
    file.write_text(
        file.read_text().replace("name: epure", "name: pneus").replace("${dataset.root}", "../epure")
    )
    request = Request("pneus", tmp_path / "w", own.root, models="vae", profile="test")
    (told,) = _folder(request, resolve(request))
    assert (told.status, "as data set epure does" in told.message) == ("warning", True)
    request = Request("toy", tmp_path / "w", own.root, models="vae", profile="test")
    assert not list(_folder(request, resolve(request)))
    (tmp_path / "w" / "data" / "toy").mkdir(parents=True)
    (tmp_path / "w" / "data" / "toy" / "mine.csv").touch()
    (told,) = _folder(request, resolve(request))
    assert "mine.csv" in told.message
