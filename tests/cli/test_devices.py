"""Devices are what the driver says: CUDA's own rules for what is visible, and the reason where nothing is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epuredgm.cli.cuda import Gpu, Seen, Torch, installed_torch, look, seen_here, visible
from epuredgm.cli.device import resolve_devices, resolve_profile
from epuredgm.config import find_conf
from epuredgm.core.errors import BadRequest

TORCH = Torch("2.9.0+cu128", "12.8")
H200 = [Gpu(f"GPU-{letter}1b2", "NVIDIA H200") for letter in "abc"]


class FakeNvml:
    """What the module pynvml offers, over a list of GPUs; ``fault`` is raised by its first call."""

    class NVMLError(Exception):
        pass

    def __init__(
        self, gpus: list[Gpu], cuda: int = 13000, fault: str = "", closed: tuple[int, ...] = ()
    ) -> None:
        self.gpus, self.cuda, self.fault, self.closed = gpus, cuda, fault, closed

    def nvmlInit(self) -> None:
        if self.fault:
            raise type(f"NVMLError_{self.fault}", (self.NVMLError,), {})("as NVML words it")

    def nvmlShutdown(self) -> None:
        pass

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Gpu:
        if index in self.closed:
            raise self.NVMLError("Insufficient Permissions")
        return self.gpus[index]

    def nvmlDeviceGetName(self, handle: Gpu) -> str:
        return handle.name

    def nvmlDeviceGetUUID(self, handle: Gpu | str) -> str:
        return handle if isinstance(handle, str) else handle.uuid

    def nvmlDeviceGetMigMode(self, handle: Gpu) -> list[int]:
        if handle.name == "old":
            raise self.NVMLError("Not Supported")
        return [int(handle.instances is not None)] * 2

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: Gpu) -> int:
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: Gpu, index: int) -> str:
        if index >= len(handle.instances or ()):
            raise self.NVMLError("Not Found")
        return (handle.instances or ())[index]

    def nvmlSystemGetDriverVersion(self) -> str:
        return "580.65"

    def nvmlSystemGetCudaDriverVersion_v2(self) -> int:
        return self.cuda


def seen(gpus: list[Gpu], variable: str | None = None, order: str | None = None, **others: Any) -> Seen:
    environ = {"CUDA_VISIBLE_DEVICES": variable, "CUDA_DEVICE_ORDER": order}
    return look(FakeNvml(gpus, **others), {k: v for k, v in environ.items() if v is not None}, TORCH)


@pytest.mark.parametrize(
    ("variable", "shown"),
    [
        ("0", [0]),
        ("2,0", [2, 0]),
        (" 1 , 0", [1, 0]),
        ("0,-1,1", [0]),
        ("-1", []),
        ("", []),
        ("all", []),
        ("none", []),
        ("NoDevFiles", []),
        ("0,0", []),
        ("0,3,1", [0]),
        ("7", []),
        ("1gpu2", [1]),
        ("0,", [0]),
        ("GPU-b", [1]),
        ("GPU-b,GPU-a", [1, 0]),
        ("GPU-b,GPU-b1", []),
        ("GPU-", []),  # begins all of them
        ("GPU-a,GPU-x,GPU-b", [0]),
        ("GPU-a,1", [0]),
        ("GPU-8a7b", []),
        ("MIG-1", []),
    ],
)
def test_what_is_visible_is_what_cuda_shows(variable: str, shown: list[int]) -> None:
    assert visible(variable, H200) == shown


@given(st.text(alphabet="0123GPUMIabc-+,/ x", max_size=12))
def test_any_value_shows_devices_that_there_are_each_once(variable: str) -> None:
    shown = visible(variable, H200)
    assert len(set(shown)) == len(shown)
    assert set(shown) <= {0, 1, 2}
    assert len(seen(H200, variable).names) == len(shown)


def test_of_divided_gpus_one_instance_is_shown_and_nothing_beside_it() -> None:
    divided = Gpu("GPU-d", "NVIDIA H200", ("MIG-1", "MIG-2"))
    empty = Gpu("GPU-e", "NVIDIA H200", ())
    assert len(seen([divided]).names) == 1
    assert len(seen([H200[0], divided]).names) == 1
    assert len(seen([H200[0], divided], "0").names) == 1
    assert len(seen([divided], "MIG-2").names) == 1
    assert len(seen([divided], "MIG-1,MIG-2").names) == 1
    assert len(seen([divided], "MIG-GPU-d/1/0").names) == 1
    assert seen([divided], "MIG-3").names == ()
    assert seen([empty]) == Seen(why="a GPU is to be divided (MIG) and has no instance")
    assert len(seen([empty, H200[0]]).names) == 1


def test_names_are_told_where_the_order_is_known() -> None:
    mixed = [Gpu("GPU-a", "old"), Gpu("GPU-b", "new")]
    assert seen(mixed).names == ("a GPU", "a GPU")  # CUDA puts the fastest first
    assert seen(mixed, order="PCI_BUS_ID").names == ("old", "new")
    assert seen(mixed, "GPU-b").names == ("new",)
    assert seen(H200).names == ("NVIDIA H200",) * 3


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("LibraryNotFound", "no NVIDIA driver is installed"),
        ("DriverNotLoaded", "not loaded"),
        ("NoPermission", "may not be used by this user"),
        ("LibRmVersionMismatch", "restart the machine"),
        ("Unknown", "answers: as NVML words it"),
    ],
)
def test_a_driver_that_cannot_be_asked_is_told_in_words(fault: str, words: str) -> None:
    found = seen(H200, fault=fault)
    assert found.names == ()
    assert words in found.why
    with pytest.raises(BadRequest, match=f"cuda:0 is not there: .*{words}"):
        resolve_devices("cuda:0", found)


def test_a_driver_older_than_torch_is_told(tmp_path: Path) -> None:
    assert "knows CUDA 11.8 and is too old" in seen(H200, cuda=11080).why
    assert seen(H200, cuda=12020).names  # of one major version, all work with all
    node = tmp_path / "nvidiactl"
    node.touch(0o000)
    if os.geteuid():
        assert "may not open" in look(FakeNvml(H200), {}, TORCH, [str(node)]).why
    assert seen(H200, closed=(0, 1, 2)).why.startswith("GPU 2 cannot be used")
    assert len(seen(H200, closed=(1,)).names) == 2


def test_devices_and_profile_follow_what_is_there() -> None:
    conf, two, none = find_conf(), seen(H200, "0,1"), seen(H200, "none")
    assert resolve_devices("auto", two) == ("cuda:0", "cuda:1")
    assert resolve_profile(conf, "auto", "auto", two) == ("full", "auto: there is a CUDA device")
    assert resolve_devices("cuda, cpu", two) == ("cuda:0", "cpu")
    assert resolve_devices("auto", none) == ("cpu",)
    assert resolve_profile(conf, "auto", "auto", none) == (
        "quick",
        "auto: no CUDA device; CUDA_VISIBLE_DEVICES='none' shows none of 3 GPUs",
    )
    assert resolve_profile(conf, "auto", "cpu", two) == ("quick", "auto: no CUDA device")
    assert resolve_devices("cuda:5", Seen(known=False)) == ("cuda:5",)  # not NVIDIA's: torch will say


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            "cuda:2",
            r"cuda:2 is not there: the CUDA devices are cuda:0 to cuda:1 \(.*'0,1' shows 2 of 3",
        ),
        ("cuda:99999999999", "is not there"),
        ("cuda,cuda:0", "names cuda:0 twice"),
        ("cuda:0,cuda:00", "names cuda:0 twice"),
        ("cpu,cpu", "names cpu twice"),
        ("gpu", "unknown device 'gpu'; did you mean 'cuda'"),
        ("CUDA:0", "unknown device 'CUDA:0'; did you mean 'cuda'"),
        ("cuda:-1", "unknown device"),
        ("cuda:0,", "unknown device ''"),
    ],
)
def test_a_device_that_is_not_there_is_refused(asked: str, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        resolve_devices(asked, seen(H200, "0,1"))


def test_the_installed_torch_is_read_and_not_imported() -> None:
    code = "import sys; from epuredgm.cli.cuda import *; print(installed_torch(), 'torch' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert installed_torch() is not None
    assert child.stdout.strip() == f"{installed_torch()} False"


@pytest.mark.skipif(bool(seen_here().names), reason="there is a CUDA device")
@pytest.mark.parametrize("variable", [None, "0", "GPU-8a7b"])
def test_without_a_device_cuda_is_refused(variable: str | None, tmp_path: Path) -> None:
    environ = {key: value for key, value in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
    environ |= {} if variable is None else {"CUDA_VISIBLE_DEVICES": variable}
    words = ["run", "--dry-run", "--dataset", "toy", "--models", "vae", "--workspace", str(tmp_path / "w")]
    command = [sys.executable, "-m", "epuredgm", *words]
    planned = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert "profile quick (auto: no CUDA device; " in planned.stdout
    refused = subprocess.run([*command, "--device", "cpu,cuda"], capture_output=True, text=True, env=environ)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "cuda:0 is not there: " in refused.stderr
    assert not (tmp_path / "w").exists()
