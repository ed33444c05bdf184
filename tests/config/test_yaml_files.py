"""YAML of a user: what cannot be used is one line with file and line number, and harms no other file."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.cli import main
from epuredgm.config import Conf, compose, compose_dataset, find_conf
from epuredgm.core.errors import BadRequest
from epuredgm.yaml_files import PACKAGE, read_yaml

ROOT = Path(__file__).parents[2] / "conf"
HEAD = f"{PACKAGE}\n"
TOY = (ROOT / "dataset" / "toy.yaml").read_text()
EXAMPLES = 10_000 if settings().derandomize is False else 25


@pytest.fixture
def conf(tmp_path: Path) -> Conf:
    """A user's own folder of configurations."""
    return Conf(Path(shutil.copytree(ROOT, tmp_path / "conf")))


def refused(conf: Conf, content: str | bytes) -> str:
    """The message for a data set file ``own.yaml`` with this content."""
    file = conf.root / "dataset" / "own.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadRequest) as refusal:
        compose_dataset(conf, "own", "quick")
    assert refusal.value.hint
    return refusal.value.message


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (HEAD + "dataset:\n  a:\n    color: #3b6fb6\n", 4, "#3b6fb6 without quotes is a comment"),
        (HEAD + "dataset:\n  a: {color: #3b6fb6}\n  b: 1\n", 3, "#3b6fb6 without quotes is a comment"),
        (HEAD + "dataset:\n  a:\n  - #abc\n", 4, "#abc without quotes is a comment"),
        (HEAD + "dataset:\n\tname: own\n", 3, "a tab"),
        (HEAD + "dataset:\n  name: own\n  \tsize: 1\n", 4, "a tab"),
        (HEAD + "dataset:\n  name: own\n  size: [1, 2]\n  name: own\n", 5, "twice, first in line 3"),
        (HEAD.encode() + b"dataset:\n  description: pi\xe8ces\n", 3, "byte 0xe8 is not UTF-8"),
        (b"\xef\xbb\xbf" + HEAD.encode() + b"dataset: {}\n", 1, "byte-order mark"),
        (HEAD.encode("utf-16"), 1, "byte-order mark"),
        ("dataset:\n  name: own\n", 1, "the first line is not '# @package _global_'"),
        ("# @package dataset\nname: own\n", 1, "the first line is not '# @package _global_'"),
        (HEAD + "# @author Jo Doe\ndataset: {}\n", 2, "begins with @"),
        ("", 1, "the first line is not"),
        (HEAD, 1, "it says nothing"),
        (HEAD + "- dataset\n- name\n", 2, "a list, not keys"),
        (HEAD + "dataset\n", 2, "one value, not keys"),
        (HEAD + "dataset:\n  components:\n    no: {label: x}\n", 4, "the key no is not read as text"),
        (HEAD + "dataset:\n  2024: x\n", 3, "the key 2024 is not read as text"),
        (HEAD + "dataset:\n  ? [a, b]\n  : x\n", 3, "is not read as text"),
        (HEAD + "dataset: &a\n  b: *a\n", 2, "an anchor refers to itself"),
        (HEAD + "dataset:\n  a: *nothing\n", 3, "there is none of this name"),
        (HEAD + "dataset:\n  a: !!python/object:os.system x\n", 3, "means nothing here"),
        (HEAD + "dataset:\n  a: !own x\n", 3, "means nothing here"),
        (HEAD + "dataset:\n  name: a: b\n", 3, "a colon where YAML expects none"),
        (HEAD + 'dataset:\n  root: "C:\\data"\n', 3, "backslash is special"),
        (HEAD + "dataset:\n  a: @b\n", 3, "may not begin with @"),
        (HEAD + "dataset:\n  a: [1, 2\n", 3, "this is not YAML"),
        (HEAD + "dataset: {}\n---\nmodel: {}\n", 3, "a second document"),
        (HEAD + "dataset:\n  a: \x07\n", 3, "a character that YAML does not allow"),
        (HEAD + "dataset:\n  a: " + "[" * 60 + "]" * 60 + "\n", 3, "levels deep"),
        (HEAD + "dataset:\n  a: " + "9" * 400 + "\n", 3, "cannot be read as a number"),
        (HEAD + "defaults: [common/none]\ndataset: {}\n", 2, "no such file beside it"),
        (HEAD + "defaults:\n- override /model: vae\ndataset: {}\n", 2, "no such file beside it"),
        (HEAD + "defaults: [own]\ndataset: {}\n", 2, "it builds on itself"),
        (
            TOY.replace("name: toy", "name: own").replace("seed: 42", "seed: ${dataset.nothing}"),
            9,
            "no value",
        ),
        (TOY.replace("name: toy", "name: own").replace("seed: 42", "seed: ${"), 9, "leads to no value"),
        (TOY.replace("name: toy", "name: own").replace("seed: 42", "seed: ???"), 9, "has no value"),
        (
            TOY.replace("name: toy", "name: own").replace("size: [64, 32]", "size: [a, 32]"),
            10,
            "dataset.size[0]",
        ),
        (
            TOY.replace("name: toy", "name: own").replace("mirrored:", "mirored:"),
            13,
            "did you mean dataset.mirrored",
        ),
    ],
)
def test_a_fault_is_told_with_file_and_line(conf: Conf, content: str | bytes, line: int, what: str) -> None:
    message = refused(conf, content)
    assert f"own.yaml, line {line}" in message
    assert what in message
    assert "ydra" not in message and "mega" not in message


def test_booleans_where_names_are_meant_are_placed(conf: Conf) -> None:
    text = (ROOT / "dataset" / "common" / "mammograms.yaml").read_text()
    bare = text.replace('cancer: {values: ["no", "yes"]', "cancer: {values: [no, yes]")
    (conf.root / "dataset" / "common" / "mammograms.yaml").write_text(bare)
    with pytest.raises(BadRequest, match=r"cancer\.values\[0\] must be .*mammograms\.yaml, line \d+"):
        compose(conf, "nlbs", "cvae", "quick")


def test_a_list_of_anchors_that_grows_without_end_is_refused(conf: Conf) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    assert "anchors make it grow" in refused(conf, HEAD + "\n".join(lines))


@pytest.mark.parametrize("change", [lambda text: text.replace("\n", "\r\n"), lambda text: text + "\n\n", str])
def test_what_is_no_fault_is_read(conf: Conf, change: object) -> None:
    assert callable(change)
    for name in ("2024", "true", "a b", "null", "x.y", "1e-3", "é"):
        text = change(TOY.replace("name: toy", f'name: "{name}"'))
        (conf.root / "dataset" / f"{name}.yaml").write_bytes(text.encode())
        made = compose_dataset(conf, name, "quick")["dataset"]
        assert made["name"] == name
        assert made["size"] == [64, 32]


@pytest.mark.parametrize("name", ["a'b", "a,b", "a=b", "~a", "@a", "${a}", "a:b"])
def test_a_name_that_cannot_be_chosen_is_refused(conf: Conf, name: str) -> None:
    (conf.root / "dataset" / f"{name}.yaml").write_text(TOY)
    with pytest.raises(BadRequest, match="cannot be called"):
        compose_dataset(conf, name, "quick")


def test_one_broken_file_harms_no_other(
    conf: Conf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (conf.root / "dataset" / "broken.yaml").write_text(HEAD + "dataset:\n\tname: broken\n")
    (conf.root / "dataset" / "folder.yaml").mkdir()
    (conf.root / "dataset" / ".#toy.yaml").write_text("what an editor leaves")
    (conf.root / "model" / "aaa.yaml").write_bytes(b"\xff\xfe")
    (conf.root / "model" / "aab.yaml").write_text(HEAD + "model: {name: aab}\n")
    (conf.root / "profile" / "broken.yaml").write_text("[")
    place = ["--conf", str(conf.root)]
    rows = {row["name"]: row for row in answered(capsys, "data", "list", "--json", *place)}
    assert set(rows) == {*find_conf(ROOT).names("dataset"), "broken", "folder"}
    assert "broken.yaml, line 3: a tab" in rows["broken"]["description"]
    assert "it is a folder" in rows["folder"]["description"]
    assert rows["toy"]["size"] == "64 x 32"
    families = {row["name"]: row for row in answered(capsys, "models", "--json", *place)}
    assert "aaa.yaml, line 1" in families["aaa"]["title"]
    assert families["vae"]["supports"] == ["unconditional", "conditional", "inpainting"]
    words = [
        "run",
        "--dataset",
        "toy",
        "--models",
        "vae",
        "--dry-run",
        "--json",
        "--workspace",
        str(tmp_path),
    ]
    assert answered(capsys, *words, *place)["dataset"] == "toy"


def answered(capsys: pytest.CaptureFixture[str], *words: str) -> object:
    with pytest.raises(SystemExit) as end:
        main(list(words))
    told = capsys.readouterr()
    assert end.value.code == 0, told.err
    return json.loads(told.out)


WORDS = st.sampled_from(
    [
        "dataset",
        "name",
        "size",
        "defaults",
        "_self_",
        "components",
        "reader",
        "_target_",
        "root",
        "training",
        "phases",
        "epochs",
        "null",
        "yes",
        "no",
        "1e-3",
        "2024-01-01",
        "12:30",
        "0x1f",
        ".inf",
        "~",
        "???",
        "own",
        "${training.lr}",
        "${by_profile:{full:1}}",
        "${",
        "#3b6fb6",
        "&a",
        "*a",
        "<<",
        "!!int",
        "!x",
        "|",
        ">",
        "@",
        "`",
        "%",
        "'",
        '"',
        "\\",
        "\t",
        "---",
        "...",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "-",
        "?",
        "\r",
        "\ufeff",
    ]
)
SPACES = st.sampled_from(["", " ", "  ", "\n", "\n  ", "\n    ", ": ", "\n- ", ", "])
TEXTS = st.lists(st.one_of(WORDS, SPACES, st.text(max_size=3)), max_size=30).map("".join)


@settings(max_examples=EXAMPLES)
@given(st.one_of(TEXTS, TEXTS.map(lambda text: HEAD + text), TEXTS.map(lambda text: TOY + text)))
def test_no_text_gives_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    conf = own_conf(tmp_path_factory)
    file = conf.root / "dataset" / "own.yaml"
    file.unlink(missing_ok=True)  # a new file: its time alone may not tell them apart
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        read_yaml(file)
        compose(conf, "own", "vae", "quick")
    except BadRequest as error:
        assert error.message
    assert "own" in conf.describe("dataset")


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=200))
def test_no_bytes_give_a_traceback(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = own_conf(tmp_path_factory).root / "dataset" / "own.yaml"
    file.write_bytes(HEAD.encode() + content)
    try:
        read_yaml(file)
    except BadRequest as error:
        assert "own.yaml" in error.message


def own_conf(factory: pytest.TempPathFactory) -> Conf:
    place = factory.getbasetemp() / "own_conf"
    if not place.exists():
        shutil.copytree(ROOT, place)
    return Conf(place)
