"""The command line: it is quick because it imports little, it teaches, and a mistake costs one message."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from epuredgm.cli import COMMANDS, main
from epuredgm.cli.display import Lines, Panel
from epuredgm.cli.status import Row
from epuredgm.cli.status import _rows as rows_of
from epuredgm.cli.status import _table as status_table
from epuredgm.core.files import tree_sha256, write_json
from epuredgm.core.places import Workspace
from epuredgm.orchestration.lease import Watch
from epuredgm.orchestration.locks import hold
from epuredgm.orchestration.pointers import write_pointer

HEAVY = ["torch", "numpy", "pandas", "PIL", "matplotlib", "scipy"]


def epuredgm(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, and fail if it imported what it must not."""
    code = (
        "import sys\n"
        "from epuredgm.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n"
        f"    heavy = [name for name in {HEAVY} if name in sys.modules]\n"
        "    assert not heavy, heavy\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=cwd, capture_output=True, text=True, check=False
    )


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The message with which a request is refused, exit code 2, no traceback."""
    with pytest.raises(SystemExit) as end:
        main(list(words))
    message = capsys.readouterr().err
    assert end.value.code == 2
    assert "Traceback" not in message
    return message


def test_help_imports_neither_torch_nor_hydra_nor_rich() -> None:
    code = (
        "import sys\nfrom epuredgm.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit as end:\n    assert not end.code\n"
        f"heavy = [n for n in {[*HEAVY, 'hydra', 'omegaconf', 'rich']} if n in sys.modules]\n"
        "assert not heavy, heavy\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert all(name in answer.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches(name: str) -> None:
    answer = epuredgm(name, "--help")
    assert answer.returncode == 0, answer.stderr
    assert "Usage: epuredgm" in answer.stdout


def test_a_dry_run_of_a_full_study_needs_no_torch_and_writes_nothing(tmp_path: Path) -> None:
    before = tree_sha256(tmp_path)
    words = [
        "run",
        "--dataset",
        "toy",
        "--seeds",
        "0-13",
        "--profile",
        "full",
        "--dry-run",
        "--json",
        "--workspace",
    ]
    answer = epuredgm(*words, str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    plan = json.loads(answer.stdout)
    assert len({job["key"] for job in plan["jobs"]}) == len(plan["jobs"]) >= 135
    assert all(job["action"] == "run" for job in plan["jobs"])
    assert tree_sha256(tmp_path) == before
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_may_look_into_a_workspace_that_does_not_exist(tmp_path: Path) -> None:
    answer = epuredgm("run", "--dataset", "toy", "--dry-run", "--workspace", str(tmp_path / "none"))
    assert answer.returncode == 0, answer.stderr
    assert "never run" in answer.stdout
    assert not (tmp_path / "none").exists()


def test_status_of_an_empty_workspace_says_so(tmp_path: Path) -> None:
    answer = epuredgm("status", "--workspace", str(tmp_path))
    assert answer.returncode == 0, answer.stderr
    assert "no job has run" in answer.stdout.replace("\n", " ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run --dataset toyy", "did you mean 'toy'"),
        ("run --dataset toy --models vaee", "did you mean 'vae'"),
        ("run --dataset toy --models ,", "names no model"),
        ("run --dataset toy --seeds 0,x", "cannot read the seed 'x'"),
        ("run --dataset toy --seeds -1", "cannot read the seed"),
        ("run --dataset toy --seeds 4-2", "cannot read the seed"),
        ("run --dataset toy --seeds \u00b2", "cannot read the seed"),
        ("run --dataset toy --seeds 0-99999999", "too many"),
        ("run --dataset toy --profile slow", "unknown profile 'slow'"),
        ("run --dataset toy --device gpu", "unknown device 'gpu'"),
        ("run --dataset toy --num-samples 0", "--num-samples"),
        ("run --dataset toy --skip-training --force train", "contradict"),
        ("run --dataset toy training.batchsize=3", "did you mean 'training.batch_size'"),
        ("run --dataset toy training.batch_size", "cannot read 'training.batch_size'"),
        ("run --dataset toy =3", "cannot read '=3'"),
        ("run --dataset toy profile.branch=../elsewhere", "a folder inside the workspace"),
        ("run --dataset toy --models vae flow_matching:training.lr=1", "not among the chosen models"),
        ("run --dataset toy --datset toy", "--dataset"),
        ("run", "--dataset"),
        ("rnu", "Did you mean 'run'"),
        ("verify --dataset toy --conf /nowhere", "not a configuration folder"),
        ("aggregate --dataset toy", "no evaluated run"),
        ("report --dataset toy", "no evaluated run"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(
    words: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reads = words.split()[0] in ("run", "aggregate", "report") and len(words) > 4
    place = ["--workspace", str(tmp_path)] if reads else []
    if "verify" in words:
        with pytest.raises(SystemExit) as end:
            main(words.split())
        assert end.value.code == 1
        assert message in capsys.readouterr().out
        return
    assert message in refused(capsys, *words.split(), *place)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["run", "aggregate", "report"])
def test_whoever_is_told_to_give_wait_may_give_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert "--wait" in capsys.readouterr().out


def test_data_that_are_not_there_are_named_with_the_way_to_mend_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(capsys, "run", "--dataset", "epure", "--dry-run", "--workspace", str(tmp_path))
    assert "data/epure" in message


def test_config_prints_every_key_with_its_source() -> None:
    answer = epuredgm(
        "config", "--dataset", "toy", "--models", "vae", "--profile", "quick", "training.batch_size=17"
    )
    assert answer.returncode == 0, answer.stderr
    assert "training.batch_size: 17" in answer.stdout
    assert "# command line: training.batch_size=17" in answer.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(shell: str) -> None:
    answer = epuredgm("completion", shell)
    assert answer.returncode == 0, answer.stderr
    assert "_EPUREDGM_COMPLETE" in answer.stdout


def test_the_guides_scripts_are_thin(tmp_path: Path) -> None:
    scripts = Path(__file__).parents[2] / "scripts"
    answer = subprocess.run(
        [sys.executable, scripts / "pipeline" / "run_pipeline_test.py", "--dataset", "toy", "--models", "vae",
         "--seeds", "0", "--dry-run", "--workspace", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert "profile test" in answer.stdout
    assert list(tmp_path.iterdir()) == []


def head_of(*words: str) -> tuple[int, str]:
    """Exit code and standard error of a command whose output nobody reads."""
    child = subprocess.Popen(
        [sys.executable, "-m", "epuredgm", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()
    errors = child.stderr.read()
    child.stderr.close()
    return child.wait(), errors


@pytest.mark.parametrize("words", ["models", "status", "run --dataset toy --dry-run"])
def test_a_reader_who_has_left_is_no_failure(words: str, tmp_path: Path) -> None:
    place = [] if words == "models" else ["--workspace", str(tmp_path)]
    _, errors = head_of(*words.split(), *place)
    assert errors == ""


def test_lines_that_nobody_reads_do_not_stop_a_study(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("click.echo", gone)
    view = Lines(total=1)
    view.say("one")
    view.say("two")
    assert view.silent


@pytest.mark.parametrize("text", ["[/tmp/x] is gone", "[red]", "a \\[b]", "[Errno 2] [/]"])
def test_what_a_user_reads_is_never_taken_for_markup(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Panel(total=1).say(text)
    assert capsys.readouterr().err.strip() == text
    table = status_table([Row("train/a", "failed", what=text)])
    console = Console(width=200, record=True)
    console.print(table)
    assert text in console.export_text()


def test_nothing_waits_for_a_run_that_has_ended(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    folder = workspace.logs / "run"
    entries = {"train/a": "waiting", "train/b": "started", "train/c": "blocked"}
    jobs = {key: {"status": status, "error": None} for key, status in entries.items()}
    write_json(folder / "state.json", {"jobs": jobs})
    write_pointer(workspace.latest, folder)
    assert [row.status for row in rows_of(workspace, Watch())] == ["left", "left", "blocked"]
    with hold(workspace, "run", wait=False, say=print):
        assert [row.status for row in rows_of(workspace, Watch())] == list(entries.values())


def test_status_says_in_which_branch_jobs_have_run(tmp_path: Path) -> None:
    (tmp_path / "apart" / ".epuredgm").mkdir(parents=True)
    assert "--branch apart" in epuredgm("status", "--workspace", str(tmp_path)).stdout


def test_a_fault_of_a_file_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Workspace(tmp_path).record("prepare/toy").mkdir(parents=True)
    with pytest.raises(SystemExit) as end:
        main(["run", "--dataset", "toy", "--dry-run", "--workspace", str(tmp_path)])
    assert end.value.code == 1
    assert "prepare/toy.json" in capsys.readouterr().err
