"""The worker alone, as a cluster starts it: one process, one job file, a record and a log."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import fields, replace
from pathlib import Path

import pytest

from epuredgm.config import compose, find_conf
from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import read_json, write_json
from epuredgm.core.jobs import Artefact, JobFile, Stage
from epuredgm.core.places import Workspace
from epuredgm.orchestration.lease import Beat, beat_path
from epuredgm.orchestration.pointers import read_pointer
from epuredgm.orchestration.records import Record
from epuredgm.worker import main

CONF = Path(__file__).parents[2] / "conf"


@pytest.fixture
def job(tmp_path: Path) -> JobFile:
    """A training on a small toy data set."""
    config = compose(find_conf(CONF), "toy", "vae", "test", ["dataset.reader.count=50"])
    (tmp_path / "outputs/vae_toy/run").mkdir(parents=True)
    return JobFile(
        key="train/vae_toy/seed0",
        stage=Stage.TRAIN,
        dataset="toy",
        model="vae",
        seed=0,
        mode=None,
        config=config,
        fingerprint="f",
        hashed={"a": 1},
        workspace=str(tmp_path),
        branch="",
        inputs={},
        log=str(tmp_path / "logs/x.log"),
        run="outputs/vae_toy/run",
    )


def write(job: JobFile, name: str = "job") -> str:
    path = Path(job.workspace) / f"{name}.json"
    job.write(path)
    return str(path)


def start(job: JobFile, body: str) -> subprocess.Popen[str]:
    """A worker whose stage is ``body``, a function body that knows ``job``, ``monitor`` and ``made``."""
    code = textwrap.dedent(
        """
        import os, sys, time
        from pathlib import Path
        from epuredgm import worker
        from epuredgm.core.errors import EpureError, Interrupted
        from epuredgm.core.files import write_text

        def stage(job, monitor):
            made = Path(job.workspace) / "made"
            write_text(made, "made")
        {body}
            return {{"made": made}}

        sys.exit(worker.carry_out(sys.argv[1], None, stage))
        """
    ).format(body=textwrap.indent(textwrap.dedent(body), "    "))
    return subprocess.Popen(
        [sys.executable, "-c", code, write(job)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run(job: JobFile, body: str = "pass") -> tuple[int, str, Record, str]:
    """Exit code, what came out, the record, the log."""
    process = start(job, body)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output, record_of(job), Path(job.log).read_text()


def record_of(job: JobFile) -> Record:
    return Record.read(Workspace(Path(job.workspace), job.branch).record(job.key))


def test_a_job_that_is_done_says_what_it_made_of_what(job: JobFile, tmp_path: Path) -> None:
    code, output, record, _ = run(job)
    assert (code, output) == (0, "")
    assert (record.status, record.fingerprint, record.hashed, record.profile) == (
        "done",
        "f",
        {"a": 1},
        "test",
    )
    assert record.outputs["made"].path == "made"
    assert record.log == "logs/x.log"
    assert record.peak_memory is not None
    assert record.peak_memory > 1_000_000
    assert record.last is not None
    assert record.last.exit_class == "ok"
    assert read_pointer(tmp_path / "outputs/vae_toy/run_seed0") == tmp_path / "outputs/vae_toy/run"


def test_everything_that_is_printed_goes_to_the_log_also_from_other_programs(job: JobFile) -> None:
    _, output, _, log = run(
        job, "print('from python'); sys.stdout.flush(); os.system('echo from a program >&2')"
    )
    assert output == ""
    assert "from python\n" in log
    assert "from a program\n" in log


@pytest.mark.parametrize(
    ("body", "error", "traceback"),
    [
        ("raise ValueError('odd')", "ValueError: odd", True),
        ("raise EpureError('this is wrong', 'Mend it.')", "this is wrong. Mend it.", False),
        ("sys.exit(3)", "SystemExit: 3", True),
        ("made.unlink()", "is not there", False),
        ("made = Path(os.devnull)", "is not in the subpath", True),
    ],
)
def test_a_job_that_failed_says_why(job: JobFile, body: str, error: str, traceback: bool) -> None:
    code, output, record, log = run(job, body)
    assert (code, record.status, record.outputs) == (1, "failed", {})
    assert output == f"failed: {job.key}: {record.error}\n  log: {job.log}\n"
    assert record.error is not None
    assert error in record.error
    assert "\n" not in record.error
    assert ("Traceback" in log) == traceback


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR2, signal.SIGINT])
def test_a_signal_asks_it_to_stop(job: JobFile, number: int) -> None:
    process = start(
        job,
        """
        monitor.progress(1, 4, "nap", loss=0.5)
        while not monitor.stopping():
            time.sleep(0.01)
        raise Interrupted("stopped")
        """,
    )
    beat = beat_path(Workspace(Path(job.workspace)).record(job.key))
    deadline = time.monotonic() + 30
    while not beat.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    found = Beat.read(beat)
    assert found is not None
    assert (found.done, found.total, found.what, found.figures) == (1, 4, "nap", {"loss": 0.5})
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert record_of(job).status == "interrupted"
    assert not beat.exists()
    code, _, record, _ = run(job)
    assert code == 0
    assert [attempt.exit_class for attempt in record.attempts] == ["interrupted", "ok"]


def test_an_input_is_checked_before_it_is_used(job: JobFile, tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("not what was written")
    damaged = replace(job, inputs={"weights": Artefact("weights", "0" * 64, 20, 0)})
    code, _, record, log = run(damaged, "print('used')")
    assert (code, record.status) == (1, "failed")
    assert record.error is not None
    assert str(tmp_path / "weights") in record.error
    assert "used" not in log
    assert "Traceback" not in log


def test_leftovers_of_a_killed_writer_are_removed(job: JobFile, tmp_path: Path) -> None:
    left = tmp_path / ".made.abc.tmp"
    left.touch()
    run(job)
    assert not left.exists()


def test_without_its_orchestrator_it_ends_at_once(job: JobFile) -> None:
    code = (
        "import sys, time\n"
        "from multiprocessing import Pipe\n"
        "from epuredgm import worker\n"
        "ours, theirs = Pipe()\n"
        "def stage(job, monitor):\n"
        "    ours.close()\n"
        "    time.sleep(60)\n"
        "worker.carry_out(sys.argv[1], theirs, stage)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, write(job)], timeout=50)
    assert done.returncode == 75
    assert record_of(job).status == "started"


def test_a_log_that_cannot_be_written_fails_the_job_and_not_the_caller(job: JobFile, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    process = start(replace(job, log=str(tmp_path / "file" / "x.log")), "pass")
    output, _ = process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in output


def test_the_module_carries_out_real_jobs(job: JobFile, tmp_path: Path) -> None:
    prepare = replace(job, key="prepare/toy", stage=Stage.PREPARE, model=None, seed=None, run="")
    other = replace(
        prepare,
        key="prepare/none",
        config={**job.config, "dataset": {**job.config["dataset"], "size": [8, 8]}},
    )
    command = [sys.executable, "-m", "epuredgm.worker", write(prepare), write(other, "other")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("failed: prepare/none: ")
    assert "Traceback" not in done.stderr
    record = record_of(prepare)
    assert record.status == "done"
    assert (tmp_path / record.outputs["designs"].path).is_dir()
    assert record_of(other).status == "failed"


def test_importing_the_worker_imports_nothing_heavy() -> None:
    code = "import sys, json, epuredgm.worker; print(json.dumps(sorted(sys.modules)))"
    names = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert {"torch", "numpy"}.isdisjoint(names)


def test_the_job_file_is_read_as_it_was_written(job: JobFile, tmp_path: Path) -> None:
    path = Path(write(job))
    assert JobFile.read(path) == job
    assert read_json(path)["stage"] == "train"


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"stage": "train"}'])
def test_what_is_no_job_file_is_one_message(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "job.json"
    if content is not None:
        path.write_text(content)
    assert main([str(path)]) == 2
    assert "job.json" in capsys.readouterr().err


@pytest.mark.parametrize("field", [field.name for field in fields(JobFile)])
def test_a_job_file_with_a_value_of_another_type_is_refused(field: str, job: JobFile, tmp_path: Path) -> None:
    path = Path(write(job))
    write_json(path, {**read_json(path), field: [1]})
    with pytest.raises(CorruptArtefact, match=r"job\.json is not a job file"):
        JobFile.read(path)


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_without_a_job_it_says_how_it_is_called(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "usage: python -m epuredgm.worker JOB.json" in capsys.readouterr().err
