"""Whether samples may leave the workspace, held against what was evaluated; it fails closed.

A permit needs a result file that is as its job wrote it, of exactly these samples, of a model trained and an
evaluation made on the data as they were prepared last, and, for grey pictures, a passed privacy gate that
looked at every sample. Masks have no such gate: they leave without, unless the data set is private, and then
they stay.

It protects against mistakes and stale files, not against somebody who rewrites the records as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epuredgm.core.errors import BadRequest, CorruptArtefact
from epuredgm.core.files import file_sha256
from epuredgm.core.jobs import Stage
from epuredgm.core.places import Workspace
from epuredgm.core.spec import DataSpec
from epuredgm.data.samples import SampleSet
from epuredgm.evaluation import copies
from epuredgm.orchestration.plan import run_key
from epuredgm.orchestration.records import Records, status_of

GATE = "privacy"
FIGURES = (
    "verdict",
    "passed",
    "reasons",
    "pixels",
    "relative",
    "features",
    "copied",
    "copied_held_out",
    "held_out_correlation",
    "counts",
    "limits",
)  # of the gate, that go into a manifest; the list of nearest train pictures does not


REMEDIES = {
    copies.FAILED: "Samples repeat real pictures: regularise more, train less, or a smaller model. Then:",
    copies.NOT_DECIDED: "Nothing speaks against these samples, but there was too little to tell. "
    f"Draw at least {copies.FEWEST_GENERATED} (--num-samples) from at least {copies.FEWEST_TRAIN} train and "
    f"{copies.FEWEST_HELD_OUT} test pictures, with domain features. Then:",
    copies.NOT_CHECKED: "Evaluate it:",
}


class Refused(Exception):
    """Why samples may not leave, and what to do."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}. {remedy}")


@dataclass(frozen=True)
class Run:
    """Whose samples are asked for."""

    model: str
    dataset: str
    seed: int
    mode: str

    def __str__(self) -> str:
        return f"{self.model} on {self.dataset}, seed {self.seed}, {self.mode}"

    @property
    def command(self) -> str:
        """What makes its samples and its evaluation."""
        return f"epuredgm run --dataset {self.dataset} --models {self.model} --seeds {self.seed}"


@dataclass(frozen=True)
class Permit:
    """Samples that may leave.

    Attributes:
        run: whose they are.
        given: the given component, or None.
        samples: the set.
        facts: JSON-ready, for a manifest: hashes, and the gate's figures or why there is none.
    """

    run: Run
    given: str | None
    samples: SampleSet
    facts: Mapping[str, Any]


def permits(
    runs: Sequence[Run], workspace: Workspace, spec: DataSpec, private: bool, fingerprint: str
) -> list[Permit]:
    """A permit for every set of every run.

    Args:
        runs: what is asked for.
        workspace: where the records are.
        spec: the data set.
        private: whether nothing may leave without a passed gate, whatever its values.
        fingerprint: of the data as they are now.

    Raises:
        BadRequest: naming every run that is refused, the reason and what to do.
    """
    given: list[Permit] = []
    refusals: list[str] = []
    for run in runs:
        try:
            given += _permits(run, workspace, spec, private, fingerprint)
        except Refused as refusal:
            refusals.append(f"  - {run}: {refusal}")
    if refusals:
        text = f"{len(refusals)} of {len(runs)} runs may not leave, so nothing was exported"
        raise BadRequest("\n".join([text, *refusals]))
    return given


def _permits(
    run: Run, workspace: Workspace, spec: DataSpec, private: bool, fingerprint: str
) -> Iterator[Permit]:
    result, sha256 = _result(run, workspace)
    if _at(result, "provenance", "data_fingerprint") != fingerprint:
        raise Refused("its evaluation is of other data than there are now", f"Train anew: {run.command}")
    for name, stated in _sets(result, run):
        _, _, given = name.partition("/")
        if given and given not in spec.component_names:
            raise Refused(f"its result names {given!r}, no component", f"Evaluate anew: {run.command}")
        samples = _samples(run, given or None, stated, workspace)
        _require_of(samples, spec, run)
        if samples.meta.get("data_fingerprint") != fingerprint and (private or spec.values == "grey"):
            reason = "its model was trained on other data than the gate compared with"
            raise Refused(reason, f"Train anew: {run.command}")
        facts = {
            "model": run.model,
            "seed": run.seed,
            "mode": run.mode,
            "profile": result.get("profile"),
            "result_sha256": sha256,
            "samples_sha256": stated["sha256"],
            "weights_sha256": samples.meta.get("weights"),
            "gate": _gate(result, run, given, len(samples), spec, private),
        }
        yield Permit(run, given or None, samples, facts)


def _sets(result: Mapping[str, Any], run: Run) -> list[tuple[str, Mapping[str, Any]]]:
    """The evaluated sets of the mode by name, ``<mode>[/<given>]``, with what is stated of them."""
    stated = _at(result, "provenance", "samples") or {}
    found = [
        (name, each) for name, each in stated.items() if name == run.mode or name.startswith(f"{run.mode}/")
    ]
    if not found:
        modes = ", ".join(sorted({name.partition("/")[0] for name in stated}))
        raise Refused("it was not evaluated in this mode", f"Take --mode of: {modes or 'none'}.")
    return found


def _result(run: Run, workspace: Workspace) -> tuple[dict[str, Any], str]:
    """The run's result, as its job wrote it, and its hash."""
    record = Records(workspace).get(run_key(Stage.EVALUATE, run.model, run.dataset, run.seed))
    if record is None or status_of(record, workspace) != "done" or "result" not in record.outputs:
        raise Refused("it has no finished evaluation", f"Evaluate it: {run.command}")
    path = workspace.result(run.dataset, run.model, run.seed)
    content = path.read_bytes() if path.is_file() else b""
    sha256 = hashlib.sha256(content).hexdigest()
    if sha256 != record.outputs["result"].sha256:
        fault = "is not what was written" if content else "is missing"
        raise Refused(f"its result {path.name} {fault}", f"Evaluate anew: {run.command} --force evaluate")
    result = json.loads(content)
    if tuple(result.get(key) for key in ("model", "dataset", "seed")) != (run.model, run.dataset, run.seed):
        raise Refused(f"its result {path.name} is of another run", f"Evaluate anew: {run.command}")
    return result, sha256


def _samples(run: Run, given: str | None, stated: Mapping[str, Any], workspace: Workspace) -> SampleSet:
    """The set that was evaluated; its place is the workspace's, whatever a record says."""
    place = workspace.samples(f"{run.model}_{run.dataset}", run.seed, run.mode, given) / "samples.npz"
    if not place.is_file():
        raise Refused("its samples are missing", f"Draw them: {run.command}")
    if file_sha256(place) != stated.get("sha256"):
        raise Refused("its samples are not those that were evaluated", f"Evaluate these: {run.command}")
    try:
        return SampleSet.read(place)
    except CorruptArtefact as error:
        raise Refused(error.message, error.hint) from error


def _require_of(samples: SampleSet, spec: DataSpec, run: Run) -> None:
    """That a set is of the data set as it is declared now."""
    expected = (spec.component_names, (spec.channels, *spec.size), spec.dtype, spec.condition_names)
    found = (
        samples.components,
        samples.images.shape[1:],
        str(samples.images.dtype),
        samples.condition_names,
    )
    if found != expected or not len(samples) or int(samples.images.max()) > spec.levels:
        raise Refused(
            "its samples are not of the data set as it is configured now",
            f"Give the overrides of dataset.* that the run had, or {run.command}",
        )


def _gate(
    result: Mapping[str, Any], run: Run, given: str, count: int, spec: DataSpec, private: bool
) -> dict[str, Any]:
    """The figures of the gate, if it passed on all ``count`` samples, or the reason why none is needed."""
    if spec.values != "grey":
        if private:
            raise Refused(
                f"the data set is private, and no {GATE} gate can judge {spec.values} designs",
                "They stay here; dataset.private in conf/dataset/ says so.",
            )
        return {"passed": None, "reason": f"{spec.values} designs of a data set that is not private"}
    modes = result.get("modes") or {}
    block = _at(modes, run.mode, given) if given else modes.get(run.mode)
    figures = _at(block, GATE)
    if not isinstance(figures, Mapping) or "passed" not in figures:
        told = [name for name, each in modes.items() if isinstance(_at(each, GATE, "passed"), bool)]
        raise Refused(
            f"the {GATE} gate does not judge this mode",
            f"Take --mode of: {', '.join(told)}." if told else f"Evaluate it: {run.command} --force evaluate",
        )
    looked = _at(figures, "counts", "generated") or _at(block, "counts", "compared")
    _require_passed(figures, run, looked, count)
    return {name: figures[name] for name in FIGURES if name in figures}


def _require_passed(figures: Mapping[str, Any], run: Run, looked: object, count: int) -> None:
    """That the gate passed, and ``looked`` at all of the samples."""
    if figures["passed"] is not True:
        reasons = "; ".join(map(str, figures.get("reasons") or [])) or "no reason is given"
        word = copies.verdict(figures)
        raise Refused(
            f"the {GATE} gate: {word}, so it did not pass ({reasons})", f"{REMEDIES[word]} {run.command}"
        )
    if looked != count:
        raise Refused(
            f"the {GATE} gate looked at {looked} of its {count} samples",
            f"Draw no more than it compares: {run.command} --num-samples {looked or 'N'}",
        )


def _at(content: Any, *path: str) -> Any:
    """The value at a path of keys, or None."""
    for key in path:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content
