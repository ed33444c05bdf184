"""Damaged files: read as they were written, or refused by name, and never more memory than they can fill."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epuredgm.core.errors import CorruptArtefact
from epuredgm.core.files import read_json, write_json
from epuredgm.data import arrays
from epuredgm.data.arrays import open_array, read_arrays, tensor_shapes, write_arrays
from epuredgm.data.samples import SampleSet
from epuredgm.data.weights import Weights, load_weights, save_weights
from epuredgm.sampling.parts import Parts

EXAMPLES = 10_000 if settings.get_current_profile_name() == "searching" else 25
DECK = 40_000_000  # bytes: what reading a small file may take at most
SHAPE = (4, 2, 6, 6)


def _samples() -> SampleSet:
    rng = np.random.default_rng(0)
    return SampleSet(
        images=rng.integers(0, 2, SHAPE).astype(np.uint8),
        components=("a", "b"),
        conditions=rng.random((4, 1)).astype(np.float32),
        condition_names=("width",),
        ids=np.array(["1", "2", "3", "4"]),
        given=np.zeros((4, 2), np.bool_),
        meta={"mode": "unconditional", "seed": 0},
        extras={"kl": rng.random(4).astype(np.float32)},
    )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, SampleSet):
        return all(_same(getattr(one, name), getattr(other, name)) for name in vars(one))
    if isinstance(one, Weights):
        return _same(one.live, other.live) and _same(one.facts, other.facts)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    return bool(one == other)


def _write_part(path: Path) -> None:
    Parts(path.parent, "k").write(0, {"images": _samples().images, "kl": np.arange(4.0)})
    (path.parent / ".parts/k/00000.npz").rename(path)


def _read_part(path: Path) -> Any:
    """The part; a refusal by :class:`CorruptArtefact` if it is told and not there."""
    said: list[str] = []
    place = path.parent / ".parts/k/00000.npz"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(path.read_bytes())
    found = Parts(path.parent, "k", said.append).read(0, SHAPE, "uint8")
    if found is None:
        assert len(said) == 1
        assert "drawn again" in said[0]
        raise CorruptArtefact(str(path))
    return found


KINDS: dict[str, tuple[Callable[[Path], None], Callable[[Path], Any]]] = {
    "arrays": (lambda path: write_arrays(path, {"rows": np.arange(50), "x": np.ones((3, 2))}), read_arrays),
    "samples": (lambda path: _samples().write(path), SampleSet.read),
    "part": (_write_part, _read_part),
    "weights": (
        lambda path: save_weights(path, Weights({"a": torch.ones(5), "b": torch.zeros(2)}, None, {"n": 1})),
        load_weights,
    ),
    "shapes": (
        lambda path: save_weights(path, Weights({"a": torch.ones(5)}, None, {"n": 1})),
        lambda path: tensor_shapes(path) and None,  # the head alone says nothing of the content
    ),
    "json": (lambda path: write_json(path, {"a": [1, 2.5, None], "b": "text"}), read_json),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, Any, Path]]:
    """A file of every kind: its bytes, what is in it, and a place to harm it at."""
    found = {}
    for name, (write, read) in KINDS.items():
        path = tmp_path_factory.mktemp(name) / "file"
        write(path)
        found[name] = path.read_bytes(), read(path), path
    return found


@st.composite
def harms(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    how = draw(st.sampled_from(["flip", "flips", "cut", "random", "insert", "zero", "empty"]))
    place, word = draw(st.integers(0, 1 << 20)), draw(st.binary(min_size=1, max_size=40))
    places = draw(st.lists(st.integers(0, 1 << 20), min_size=2, max_size=6))

    def flipped(content: bytes, *bits: int) -> bytes:
        changed = bytearray(content)
        for bit in bits:
            bit %= len(content) * 8
            changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    def harm(content: bytes) -> bytes:
        at = place % len(content)
        return {
            "flip": flipped(content, place),
            "flips": flipped(content, *places),
            "cut": content[:at],
            "random": word,
            "insert": content[:at] + word + content[at:],
            "zero": content[:at] + bytes(len(word)) + content[at + len(word) :],
            "empty": b"",
        }[how]

    return harm


def read_bounded(kind: str, path: Path) -> Any:
    tracemalloc.start()
    try:
        return KINDS[kind][1](path)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < DECK


@pytest.mark.parametrize("kind", KINDS)
@given(harm=harms())
@settings(max_examples=EXAMPLES)
def test_a_harmed_file_is_read_as_written_or_refused(
    whole: dict[str, tuple[bytes, Any, Path]], kind: str, harm: Callable[[bytes], bytes]
) -> None:
    content, written, path = whole[kind]
    path.write_bytes(harm(content))
    try:
        found = read_bounded(kind, path)
    except CorruptArtefact as error:
        assert str(path) in str(error)
        return
    assert kind == "json" or _same(found, written)  # JSON has no checksum of its own


@pytest.mark.parametrize("kind", ["arrays", "samples", "part", "weights"])
def test_every_single_bit_of_the_head_and_the_tail(
    whole: dict[str, tuple[bytes, Any, Path]], kind: str
) -> None:
    content, written, path = whole[kind]
    ends = [*range(240), *range(8 * len(content) - 176, 8 * len(content))]
    for bit in ends:
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        try:
            found = KINDS[kind][1](path)
        except CorruptArtefact:
            continue
        assert _same(found, written), bit


def _npz(path: Path, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def _npy(shape: tuple[int, ...], content: bytes, kind: str = "|u1") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer,
        {"shape": shape, "fortran_order": False, "descr": kind},  # type: ignore[arg-type]
    )
    return buffer.getvalue() + content


@pytest.mark.parametrize("shape", [(10**12,), (1 << 40, 1 << 40), (-2, -3), (10**9,), (7,)])
@pytest.mark.parametrize("read", [read_arrays, SampleSet.read])
def test_claimed_shapes_allocate_nothing(
    tmp_path: Path, shape: tuple[int, ...], read: Callable[[Path], Any]
) -> None:
    path = tmp_path / "claim.npz"
    _npz(path, images=_npy(shape, bytes(6)))
    tracemalloc.start()
    with pytest.raises(CorruptArtefact, match="claim"):
        read(path)
    assert tracemalloc.get_traced_memory()[1] < DECK
    tracemalloc.stop()


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "PLENTY", 1 << 20)
    path = tmp_path / "bomb.npz"
    _npz(path, images=_npy((1 << 26,), bytes(1 << 26)))
    tracemalloc.start()
    with pytest.raises(CorruptArtefact, match="far more"):
        read_arrays(path)
    assert tracemalloc.get_traced_memory()[1] < DECK
    tracemalloc.stop()


def test_what_is_truly_blank_can_still_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "PLENTY", 1 << 20)
    blank = {"images": np.zeros(1 << 24, np.uint8)}
    write_arrays(tmp_path / "blank.npz", blank)
    assert _same(read_arrays(tmp_path / "blank.npz"), blank)


def test_arrays_of_every_form_come_back(tmp_path: Path) -> None:
    forms = {
        "none": np.zeros((0, 3)),
        "scalar": np.array("text"),
        "columns": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "flags": np.array([True, False]),
        "words": np.array(["a", "bcd"]),
        "records": np.zeros(2, [("a", "<i4"), ("b", "<f8")]),
    }
    write_arrays(tmp_path / "forms.npz", forms)
    assert _same(read_arrays(tmp_path / "forms.npz"), forms)


@pytest.mark.parametrize("content", [b"[" * 100_000, b"9" * 10_000, b'"\xff"', b'{"a":', b"\x00"])
def test_json_that_nobody_wrote_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(CorruptArtefact, match=r"x\.json"):
        read_json(path)


def test_one_array_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    np.save(path, np.arange(10))
    assert open_array(path).tolist() == list(range(10))
    whole = path.read_bytes()
    for harmed in (whole[:-1], whole[:40], b"", _npy((1 << 50,), bytes(8)), whole + b"x"):
        path.write_bytes(harmed)
        with pytest.raises(CorruptArtefact, match="images"):
            open_array(path)


def test_facts_of_weights_must_be_facts(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    for told in ("[]", "1", "{}", '{"format": 1}', json.dumps({"format": 1, "facts": []}), "[" * 5000):
        save_file({"live.a": torch.ones(2)}, tmp_path / "w.safetensors", {"epuredgm": told})
        with pytest.raises(CorruptArtefact, match=r"w\.safetensors"):
            load_weights(tmp_path / "w.safetensors")
