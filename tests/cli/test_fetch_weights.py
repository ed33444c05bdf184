"""The weights behind FID: how they come into a workspace, and what is said where they do not."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from epuredgm.cli import checks, main, weights
from epuredgm.cli.study import Request, resolve
from epuredgm.core.errors import BadRequest, EpureError
from epuredgm.core.inception import NAME, find_weights
from epuredgm.core.monitor import SILENT, Monitor
from epuredgm.core.places import Workspace
from epuredgm.stages import fetch_weights as tool

CONTENT = b"weights" * 300_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OURS = f"reference.inception.sha256='{SHA256[:12]}'"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere" / "it's = a, [weights] file.pth"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


@pytest.fixture(autouse=True)
def no_cache_of_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def address() -> Iterator[str]:
    """A server on this machine: ``/whole`` has the weights, ``/half`` breaks off, all else is not there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in ("/whole", "/half") else 404)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            if self.path != "/missing":
                self.wfile.write(CONTENT if self.path == "/whole" else CONTENT[:1000])

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def request(workspace: Path, source: Path | None = None, sha256: str = SHA256[:8]) -> dict[str, Any]:
    chosen = str(source) if source else None
    return {"workspace": str(workspace), "sha256": sha256, "from": chosen, "timeout": 5.0}


def nothing_is_left(workspace: Path) -> bool:
    return not any(path.is_file() for path in workspace.rglob("*"))


def exit_code(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    return int(ended.value.code or 0)


def test_a_file_from_elsewhere_is_found_by_every_run(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("data", "fetch-weights", "--from", file, "--workspace", tmp_path / "ws", OURS)
    assert exit_code(*words) == 0
    where = Workspace(tmp_path / "ws").weights / NAME
    assert where.read_bytes() == CONTENT and str(where) in capsys.readouterr().out
    assert find_weights(None, Workspace(tmp_path / "ws", "test_runs")) == where
    assert exit_code(*words, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(where), "sha256": SHA256, "fetched": False}


def test_another_file_is_refused_and_nothing_is_kept(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("data", "fetch-weights", "--from", file, "--workspace", tmp_path / "ws") == 2
    assert f"begins with {SHA256[:8]}, not 6726825d" in capsys.readouterr().err
    assert nothing_is_left(tmp_path / "ws")
    assert exit_code("data", "fetch-weights", "--from", tmp_path / "none", "--workspace", tmp_path) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_wrong_file_in_the_workspace_is_replaced_and_a_failure_leaves_it(
    file: Path, tmp_path: Path
) -> None:
    where = Workspace(tmp_path).weights / NAME
    where.parent.mkdir(parents=True)
    where.write_bytes(b"a page that asks for a password")
    with pytest.raises(BadRequest):
        tool.fetch_weights(request(tmp_path, file, sha256="00000000"), SILENT)
    assert where.read_bytes() == b"a page that asks for a password"
    assert tool.fetch_weights(request(tmp_path, file), SILENT)["fetched"]
    assert where.read_bytes() == CONTENT


def test_a_download_is_checked_and_reported(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytorch_fid import inception

    class Heard(Monitor):
        last = (0.0, 0.0)

        def progress(self, done: float, total: float, what: str, **figures: float) -> None:
            self.last = (done, total)

    monkeypatch.setattr(inception, "FID_WEIGHTS_URL", f"{address}/whole")
    monitor = Heard()
    made = tool.fetch_weights(request(tmp_path), monitor)
    assert Path(made["path"]).read_bytes() == CONTENT and made["fetched"]
    assert monitor.last == (len(CONTENT) / 1e6, len(CONTENT) / 1e6)


@pytest.mark.parametrize("page", ["half", "missing"])
def test_a_failed_download_leaves_nothing(
    page: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytorch_fid import inception

    monkeypatch.setattr(inception, "FID_WEIGHTS_URL", f"{address}/{page}")
    with pytest.raises(EpureError):
        tool.fetch_weights(request(tmp_path), SILENT)
    assert nothing_is_left(tmp_path)


@pytest.mark.slow
def test_without_a_network_the_other_way_is_named(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "epuredgm", "data", "fetch-weights", "--workspace", str(tmp_path)]
    closed = {"https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    done = subprocess.run(command, env={**os.environ, **closed}, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "cannot download" in done.stderr and "--from FILE" in done.stderr


def test_a_disk_that_refuses_is_one_message(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    assert exit_code("data", "fetch-weights", "--from", file, "--workspace", tmp_path, OURS) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ") and str(tmp_path / "data") in said and "Traceback" not in said


def study(workspace: Path, *overrides: str, file: Path | None = None, profile: str = "quick") -> Any:
    return resolve(
        Request("toy", workspace, models="vae", profile=profile, overrides=overrides, inception_weights=file)
    )


def test_the_flag_names_the_file_whatever_it_is_called(file: Path, tmp_path: Path) -> None:
    chosen = study(tmp_path, file=file)
    assert weights.found(chosen) == file and weights.outlook(chosen) == ""


def test_a_run_tries_once_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[float] = []

    def unreachable(*_: object, timeout: float, **__: object) -> dict[str, Any]:
        asked.append(timeout)
        raise tool.Unreachable("cannot download it", "a hint")

    monkeypatch.setattr(weights, "fetch", unreachable)
    assert not weights.at_the_door(study(tmp_path), silent=False)
    assert asked == [5.0]
    assert "FID and KID will be null" in capsys.readouterr().err.splitlines()[-1]
    quiet = (study(tmp_path, profile="test"), study(tmp_path, "reference.inception.download=false"))
    for each in quiet:  # neither ever tries
        assert not weights.at_the_door(each, silent=False)
    assert "would try once" in weights.outlook(study(tmp_path))
    assert all("fetch-weights" in weights.outlook(each) for each in quiet)
    assert asked == [5.0] and nothing_is_left(tmp_path)


def test_fetched_weights_change_the_plan(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def arrives(root: Path, sha256: str, *_: object, **__: object) -> dict[str, Any]:
        return tool.fetch_weights(request(root, file, sha256), SILENT)

    monkeypatch.setattr(weights, "fetch", arrives)
    chosen = study(tmp_path, OURS)
    before = [job.fingerprint for job in chosen.jobs(["reference"])]
    assert weights.at_the_door(chosen, silent=False)
    assert [job.fingerprint for job in chosen.jobs(["reference"])] != before
    assert not weights.at_the_door(chosen, silent=False)  # nothing new the second time


@pytest.mark.parametrize("words", [("--dry-run",), ()])
def test_a_run_with_a_named_file_that_is_not_there_stops_at_the_door(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ("run", "--dataset", "toy", "--models", "vae", "--profile", "test", "--workspace", tmp_path, *words)
    assert exit_code(*run, "--inception-weights", tmp_path / "none.pth") == 2
    assert "none.pth" in capsys.readouterr().err
    assert exit_code(*run, "reference.inception.weights=none.pth") == 2
    assert "none.pth are not there" in capsys.readouterr().err
    assert nothing_is_left(tmp_path)


def test_a_run_with_a_wrong_file_stops_at_the_door(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ("run", "--dataset", "toy", "--models", "vae", "--profile", "test", "--workspace", tmp_path / "ws")
    assert exit_code(*run, "--inception-weights", file) == 2
    assert "does not hold the Inception weights" in capsys.readouterr().err
    assert nothing_is_left(tmp_path / "ws")


def test_verify_has_one_line_for_them(file: Path, tmp_path: Path) -> None:
    absent = checks._inception(study(tmp_path))
    assert absent.status == "warning" and "epuredgm data fetch-weights" in absent.mend
    assert checks._inception(study(tmp_path, OURS, file=file)).status == "ok"
    for faulty in (study(tmp_path, file=file), study(tmp_path, "reference.inception.weights=none.pth")):
        found = checks._inception(faulty)
        assert found.status == "failed" and found.mend
