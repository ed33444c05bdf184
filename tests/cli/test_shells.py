"""Shells as they are: streams that are closed or full, no home, no account, odd terminals, odd names.

Each command is a real process. It works, or says in one message what is wrong; never a traceback.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from epuredgm.core.files import digest, read_json, write_json
from epuredgm.core.places import Workspace
from epuredgm.core.streams import open_closed

EPUREDGM = [sys.executable, "-m", "epuredgm"]
DRY = "run --dataset toy --models vae --dry-run"
COMMANDS = [
    "--help",
    "models",
    "status",
    "config --dataset toy --models vae",
    DRY,
]
NAMED = ("HOME", "USER", "LOGNAME", "XDG_CACHE_HOME")
ODD = os.fsdecode(b"odd-\xff\xe9")


def shell(
    words: str, ending: str = "", *, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """``epuredgm WORDS ENDING`` in bash, whose exit code is the command's."""
    line = f'"$0" -m epuredgm {words} {ending}; exit ${{PIPESTATUS[0]}}'
    return subprocess.run(
        ["bash", "-c", line, sys.executable],
        cwd=cwd,
        capture_output=True,
        check=False,
        env={**os.environ, **environment},
        timeout=120,
    )


def text(done: subprocess.CompletedProcess[bytes]) -> str:
    """All that was written; it is UTF-8 whatever was in it."""
    said = (done.stdout + done.stderr).decode()
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("words", COMMANDS)
def test_nobody_needs_to_listen(words: str, tmp_path: Path) -> None:
    assert shell(words, "| head -1", cwd=tmp_path).returncode == 0
    assert shell(words, "<&- >&- 2>&-", cwd=tmp_path).returncode == 0


def test_an_answer_that_a_full_disk_swallows_is_no_answer(tmp_path: Path) -> None:
    done = shell("models", "> /dev/full", cwd=tmp_path)
    assert done.returncode == 1
    assert text(done) == "error: cannot write standard output: No space left on device\n"


@pytest.mark.parametrize(
    "environment",
    [
        {"TERM": "dumb", "COLUMNS": "1"},
        {"COLUMNS": "0", "LINES": "0"},
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_odd_terminals_and_locales(environment: dict[str, str], tmp_path: Path) -> None:
    for words in ("models", DRY):
        done = shell(words, cwd=tmp_path, **environment)
        assert (done.returncode, bool(text(done))) == (0, True)


def test_a_watcher_ends_when_its_reader_does(tmp_path: Path) -> None:
    Workspace(tmp_path).private.mkdir()
    done = shell("status --watch --every 0.2", "| true", cwd=tmp_path)
    assert done.returncode == 0
    assert text(done) == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_watcher_ends_when_it_is_told(number: int, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*EPUREDGM, "status", "--watch", "--workspace", str(tmp_path)], stderr=subprocess.PIPE, text=True
    )
    time.sleep(1.5)
    process.send_signal(number)
    _, said = process.communicate(timeout=20)
    assert process.returncode in (128 + number, -number)  # the latter before it has begun
    assert "Traceback" not in said


def test_a_working_directory_that_was_removed(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    for words in ("models", "status", "run --dataset toy --dry-run"):
        (tmp_path / "gone").mkdir(exist_ok=True)
        line = f'cd gone && rmdir ../gone && exec "$0" -m epuredgm {words}'
        done = subprocess.run(
            ["bash", "-c", line, sys.executable],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            env={**os.environ, "PYTHONSAFEPATH": "1"},
        )
        assert done.returncode == 2
        assert text(done).splitlines()[0] == "error: the working directory was removed"


def test_a_user_without_account_and_home(tmp_path: Path) -> None:
    """As in containers that run under any number; reading is allowed, so that Python itself is found."""
    setpriv = shutil.which("setpriv")
    if setpriv is None or os.geteuid() != 0:
        pytest.skip("needs root and setpriv to become somebody else")
    caps = "-all,+dac_read_search"
    become = [
        "--reuid=65533",
        "--regid=65533",
        "--clear-groups",
        f"--inh-caps={caps}",
        f"--ambient-caps={caps}",
    ]
    environment = {k: v for k, v in os.environ.items() if k not in NAMED}
    place = ["--workspace", str(tmp_path / "none")]
    for words in (["models"], ["run", "--dataset", "toy", "--models", "vae", "--dry-run", *place]):
        done = subprocess.run(
            [setpriv, *become, *EPUREDGM, *words], cwd="/", capture_output=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stderr
        text(done)


def test_a_workspace_whose_name_is_no_utf8(tmp_path: Path) -> None:
    place = tmp_path / ODD
    for folder in ("outputs", "samples", "logs/pipeline"):
        (place / folder).mkdir(parents=True)
        (place / folder / ODD).touch()
    shutil.copytree(Path(__file__).parents[2] / "conf", place / "conf")
    for words in (DRY, "status", "config --dataset toy --models vae"):
        done = shell(words, cwd=place)
        assert done.returncode == 0, done.stderr
        text(done)
    done = shell(f"{DRY} --json", cwd=place)
    assert json.loads(done.stdout)["workspace"] == os.fspath(place)


def test_files_carry_names_that_are_no_utf8_and_are_utf8_themselves(tmp_path: Path) -> None:
    content = {"path": ODD, "plain": "é"}
    write_json(tmp_path / "x.json", content)
    assert read_json(tmp_path / "x.json") == content
    assert json.loads((tmp_path / "x.json").read_bytes().decode()) == content
    assert digest(content) != digest({**content, "path": os.fsdecode(b"odd-\xff\xe8")})


def test_closed_streams_lead_nowhere_and_children_inherit_that(tmp_path: Path) -> None:
    code = (
        "import os, subprocess, sys\n"
        f"from {open_closed.__module__} import settle\n"
        "settle()\n"
        f"number = os.open({str(tmp_path / 'file')!r}, os.O_CREAT | os.O_WRONLY)\n"
        "assert number > 2\n"
        "print('lost')\nsys.stderr.write('lost')\n"
        "sys.exit(subprocess.run([sys.executable, '-c', 'print(1)']).returncode)\n"
    )
    done = subprocess.run(["bash", "-c", '"$0" -c "$1" <&- >&- 2>&-', sys.executable, code], check=False)
    assert done.returncode == 0
    assert (tmp_path / "file").read_bytes() == b""
