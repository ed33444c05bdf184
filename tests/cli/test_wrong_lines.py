"""A wrong command line: exit code 2, one cause, one remedy, nothing written, no word of a library."""

from __future__ import annotations

import re
import shlex
import shutil
from functools import reduce
from pathlib import Path

import pytest
from wrong_lines import LINES

from epuredgm.cli import main
from epuredgm.config import compose, find_conf
from epuredgm.core.files import tree_sha256
from epuredgm.core.jobs import JobFile, Stage
from epuredgm.core.metrics import metric_names
from epuredgm.core.places import Workspace
from epuredgm.orchestration.plan import plan
from epuredgm.orchestration.records import Record

CONF = Path(__file__).parents[2] / "conf"
CASES = [line for line in LINES.splitlines() if line and not line.startswith("#")]
LIBRARIES = re.compile(
    r"hydra|omegaconf|\bstruct\b|Traceback|interpolation|antlr|mismatched input|^Usage", re.I
)
MOST_LINES = 6


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the words in capitals stand for."""
    root = tmp_path_factory.mktemp("wrong")
    here = {name: root / f"the_{name.lower()}" for name in ("WS", "MADE", "FILE", "FOLDER", "CONF", "HERE")}
    for name in ("WS", "MADE", "FOLDER", "HERE"):
        here[name].mkdir()
    here["FILE"].write_text("a file")
    evaluated(here["MADE"])
    shutil.copytree(CONF, here["CONF"])
    for name, content in BROKEN.items():
        (here["CONF"] / "dataset" / f"{name}.yaml").write_bytes(content)
    (here["CONF"] / "dataset" / "folder.yaml").mkdir()
    return here


BROKEN = {
    "tab": b"# @package _global_\ndataset:\n\tname: tab\n",
    "latin": b"# @package _global_\ndataset:\n  name: latin\n  description: pi\xe8ces\n",
    "twice": b"# @package _global_\ndataset:\n  name: twice\n  name: twice\n",
    "colour": b"# @package _global_\ndataset:\n  components:\n    ring: {label: ring, color: #3b6fb6}\n",
}


def evaluated(root: Path) -> None:
    """Leave the record of an evaluated run of vae, as a worker writes it."""
    config = compose(find_conf(CONF), "toy", "vae", "quick")
    (job,) = plan({"vae": config}, [0], stages=[Stage.EVALUATE], metrics=metric_names())
    same = ("key", "stage", "dataset", "model", "seed", "mode", "config", "fingerprint", "hashed")
    facts = {name: getattr(job, name) for name in same}
    file = JobFile(**facts, workspace=str(root), branch="", inputs={}, log="log")
    Record.begin(file, None, "log").ended("done", "ok", 1.0).write(Workspace(root))


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_line_costs_one_message_and_writes_nothing(
    case: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line, _, part = case.partition(" -> ")
    stands = re.compile(r"\b(WS|MADE|FILE|FOLDER|CONF)\b")
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    words = [stands.sub(lambda name: str(places[name[1]]), word) for word in lexer]
    monkeypatch.chdir(places["HERE"])
    monkeypatch.setenv("COLUMNS", "100")
    root = places["HERE"].parent
    before = tree_sha256(root), sorted(root.rglob("*"))
    with pytest.raises(SystemExit) as end:
        main(words)
    told = capsys.readouterr()
    assert end.value.code == 2, told
    assert (tree_sha256(root), sorted(root.rglob("*"))) == before
    lines = told.err.strip().splitlines()
    assert told.out == ""
    given = sorted((word.split("=")[0] for word in words if word), key=len, reverse=True)
    own = reduce(lambda text, word: text.replace(word, ""), filter(None, given), told.err)
    assert not LIBRARIES.search(own), told.err
    assert stands.sub(lambda name: str(places[name[1]]), part) in told.err
    assert lines[0].startswith("error: ")
    assert len(lines) <= MOST_LINES, told.err
    assert has_remedy(lines), told.err
    assert sum(each.startswith("error: ") for each in lines) == 1


def has_remedy(lines: list[str]) -> bool:
    """A second line says what to do, or the first says what would do."""
    return len(lines) > 1 or "must be" in lines[0]


def test_there_are_two_hundred() -> None:
    assert len(set(CASES)) == len(CASES) >= 200
