"""The privacy panel: does a run copy what it was trained on, by which tests, and what they cannot see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epuredgm.core.jobs import TASKS
from epuredgm.evaluation import copies
from epuredgm.reporting.grey.part import Json, Part, blocks_of, is_figure, reason_of, value_of
from epuredgm.reporting.grey.part import words as in_words
from epuredgm.reporting.numbers import NOTHING, short, span
from epuredgm.reporting.study import Family
from epuredgm.reporting.tables import Cell, Head, Table

KEY = "privacy"
APART = ("verdict", "passed", "reasons", "nearest")  # told in other words than numbers
UNSEEN = (
    "Whole pictures are compared: a lesion or a patch that was copied into another picture is not found, nor "
    "a single copy that was turned or enlarged.",
    "Pictures are compared at 64 pixels an edge: finer texture may repeat that of a real picture.",
    "A few copies that were disguised well may stay below the bounds.",
    "The weights of a model are not judged and hold more than its samples show: this is no differential "
    "privacy.",
)
"""What the tests cannot see."""
SHOWN = 10  # nearest pairs


@dataclass(frozen=True)
class Verdict:
    """What the privacy panel says of one set of samples.

    Attributes:
        word: see :func:`epuredgm.evaluation.copies.verdict`.
    """

    model: str
    seed: int
    mode: str
    word: str
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool | None:
        """None where nothing was decided, or nobody looked."""
        return {copies.PASSED: True, copies.FAILED: False}.get(self.word)

    @property
    def tone(self) -> str:
        """``good`` only for what was checked and passed; ``warn`` where there was too little to decide."""
        return {copies.PASSED: "good", copies.NOT_DECIDED: "warn"}.get(self.word, "bad")


def tone_of(found: Sequence[Verdict]) -> str:
    """Of all of them: ``good`` if all passed, ``warn`` if the others are not decided, else ``bad``."""
    tones = {each.tone for each in found} or {"bad"}
    return next(tone for tone in ("bad", "warn", "good") if tone in tones)


def verdicts(families: Sequence[Family]) -> tuple[Verdict, ...]:
    """One for each set of generated pictures of each run."""
    return tuple(
        each
        for family in families
        for run in family.runs
        for each in verdicts_of(family.model, run.seed, run.result)
    )


def verdicts_of(model: str, seed: int, result: Json) -> Iterator[Verdict]:
    """Those of one run; a run without generated pictures was not checked either."""
    generated = {mode.value for mode in TASKS}
    blocks = [(mode, block) for mode, block in blocks_of(result) if mode.split(" ")[0] in generated]
    if not blocks:
        yield Verdict(model, seed, "any", copies.NOT_CHECKED, ("no generated pictures were evaluated",))
    for mode, block in blocks:
        content = block.get(KEY)
        about = content if isinstance(content, Mapping) else {}
        word, reasons = copies.verdict(about), _lines(about.get("reasons"))
        if word == copies.NOT_CHECKED and not reasons:
            reasons = (reason_of(content) or "the check was not made on these samples",)
        yield Verdict(model, seed, mode, word, reasons)


def _lines(content: Any) -> tuple[str, ...]:
    """Sentences, of which there may be one, several, or some by name."""
    if isinstance(content, str):
        return (content,) if content else ()
    return tuple(str(each) for each in content) if isinstance(content, (list, tuple)) else ()


def verdict_table(found: Sequence[Verdict], with_family: bool = True) -> Table:
    """A set of samples a line."""
    family = (Head("Family", numeric=False), Head("Seed")) if with_family else ()
    heads = (*family, *(Head(name, numeric=False) for name in ("Samples", "Privacy", "Reasons")))
    rows = []
    for each in found:
        who = (Cell(each.model, key=each.model, model=each.model), Cell(str(each.seed), key=each.seed))
        rows.append(
            (
                *(who if with_family else ()),
                Cell(each.mode),
                Cell(each.word, tone=each.tone),
                Cell("; ".join(each.reasons) or "every test passed"),
            )
        )
    return Table("Privacy", heads, tuple(rows), sortable=False)


def panel(family: Family, private: bool) -> Part:
    """The verdicts of a family's first run, and the numbers behind them."""
    run = family.runs[0]
    found = tuple(verdicts_of(family.model, run.seed, run.result))
    lines = [f"{each.mode}: {each.word}. {'. '.join(each.reasons)}".strip() for each in found]
    lines += [f"Not seen: {each}" for each in UNSEEN]
    known = {mode: block[KEY] for mode, block in blocks_of(run.result) if isinstance(block.get(KEY), Mapping)}
    tables = [*_tests(known), *(() if private else _nearest(known))]
    if private:
        lines.append("Nearest train pictures are not named or shown: the data set is private.")
    return Part("Privacy", tuple(lines), tuple(tables), tone=tone_of(found))


def _facts(content: Json, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The numbers of the panel with dotted names."""
    for key, each in content.items():
        if not prefix and key in APART:
            continue
        name = f"{prefix}{key}"
        if is_figure(each):
            about = each if isinstance(each, Mapping) else {}
            ends = span(about.get("interval") or [about.get("low"), about.get("high")])
            words = short(value_of(each)) + (f" ({ends})" if ends else "")
            yield name, f"{words}: {reason_of(each)}" if reason_of(each) else words
        elif isinstance(each, Mapping):
            yield from _facts(each, f"{name}.")
        elif not isinstance(each, (list, tuple)):
            yield name, _word(each)


def _word(content: Any) -> str:
    if isinstance(content, bool):
        return "yes" if content else "no"
    if content is None:
        return NOTHING
    return short(float(content)) if isinstance(content, (int, float)) else str(content)


def _tests(known: Mapping[str, Json]) -> Iterator[Table]:
    """The numbers behind the verdicts, one column for each set of samples."""
    facts = {mode: dict(_facts(content)) for mode, content in known.items()}
    names = list(dict.fromkeys(name for own in facts.values() for name in own))
    if names:
        heads = (Head("Test", numeric=False), *(Head(mode, numeric=False) for mode in facts))
        rows = tuple(
            (Cell(in_words(name)), *(Cell(own.get(name, NOTHING)) for own in facts.values()))
            for name in names
        )
        yield Table("Privacy tests", heads, rows, caption="Privacy tests", sortable=False)


def _nearest(known: Mapping[str, Json]) -> Iterator[Table]:
    """The generated pictures that are nearest to train pictures."""
    pairs = [
        (mode, pair)
        for mode, content in known.items()
        for pair in (content.get("nearest") or ())[:SHOWN]
        if isinstance(pair, Mapping)
    ]
    names = [
        key for key in ("generated", "train", "distance", "correlation") if any(key in p for _, p in pairs)
    ]
    if names:
        heads = (Head("samples", numeric=False), *(Head(name, numeric=False) for name in names))
        rows = tuple((Cell(mode), *(Cell(_word(pair.get(name))) for name in names)) for mode, pair in pairs)
        title = "Nearest train pictures"
        yield Table(title, heads, rows, caption=title, sortable=False)
