"""What speaks against letting files in, and the decision: refused, or let in by somebody who says why.

Findings name an element of the standard and the reason, never the value. A refusal names the rows of the
table, and leaves the whole list in a file. A decision against findings goes to a log that is only added to.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from epuredgm.core.errors import BadRequest, DataError
from epuredgm.core.files import write_text
from epuredgm.data.mammography import audit

NAMED = 10  # rows of a table that a message names; the list has all


@dataclass(frozen=True, order=True)
class Finding:
    """Why a file is not let in.

    Attributes:
        tag: such as ``(0010,0010)``; empty if it is not about an element.
        keyword: its name in the standard; empty if it has none.
        reason: what is wrong.
    """

    tag: str
    keyword: str
    reason: str

    def __str__(self) -> str:
        return f"{' '.join(part for part in (self.keyword, self.tag) if part)}: {self.reason}"


@dataclass(frozen=True)
class Override:
    """Somebody's decision to let files in against findings.

    Raises:
        BadRequest: if the reason says nothing.
    """

    reason: str

    def __post_init__(self) -> None:
        if not 10 <= len(self.reason.strip()) <= 500 or not self.reason.isprintable():
            raise BadRequest(
                "the reason for letting in files that are not de-identified says nothing",
                "Write one line of 10 to 500 characters, without anything that identifies a patient.",
            )


def admit(
    findings: Mapping[str, Sequence[Finding]],
    dataset: str,
    log: Path,
    override: Override | None = None,
    rows: Mapping[str, int] | None = None,
) -> None:
    """Let a data set in, or refuse it.

    Args:
        findings: of every file, by a name that identifies nobody.
        dataset: its name.
        log: audit log that an override is added to; a list of what is refused is written beside it.
        override: the decision to let it in all the same.
        rows: of the table, by the same names.

    Raises:
        DataError: listing the findings with their counts and rows, if there are any and no override.
    """
    counts = tally(findings.values())
    list_file = log.with_name(f"{dataset}-refused.csv")
    if not counts:
        list_file.unlink(missing_ok=True)
        return
    refused = sum(bool(found) for found in findings.values())
    if override is None:
        raise _refusal(findings, dataset, list_file, counts, rows or {})
    audit.append(
        log,
        {
            "what": "files let in that are not de-identified",
            "dataset": dataset,
            "reason": override.reason,
            "files": len(findings),
            "refused": refused,
            "findings": counts,
        },
    )


def _refusal(
    findings: Mapping[str, Sequence[Finding]],
    dataset: str,
    list_file: Path,
    counts: Mapping[str, int],
    rows: Mapping[str, int],
) -> DataError:
    """What is refused, in words and as facts, after the whole list is written."""
    refused = {name: found for name, found in findings.items() if found}
    list_file.parent.mkdir(parents=True, exist_ok=True)
    write_text(list_file, _listed(refused, rows))
    faults = []
    for finding, number in counts.items():
        names = [name for name, found in refused.items() if finding in map(str, found)]
        faults.append(f"{finding} (in {number} files){_rows_of(names, rows)}")
    error = DataError(
        f"data set {dataset}: {len(refused)} of {len(findings)} files are not de-identified"
        f"{_rows_of(refused, rows)}; the whole list: {list_file}",
        faults,
        "De-identify them (DICOM PS3.15, Basic Application Level Confidentiality Profile).",
    )
    error.details = {
        "refused": len(refused),
        "files": len(findings),
        "findings": dict(counts),
        "rows": sorted(rows[name] for name in refused if name in rows),
        "list": str(list_file),
    }
    return error


def _rows_of(names: Iterable[str], rows: Mapping[str, int]) -> str:
    """The rows of the table that files stand in, the first ones of many; empty if they are not known."""
    known = sorted(rows[name] for name in names if name in rows)
    if not known:
        return ""
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return f": table row{'s' if len(known) > 1 else ''} {', '.join(map(str, known[:NAMED]))}{more}"


def _listed(refused: Mapping[str, Sequence[Finding]], rows: Mapping[str, int]) -> str:
    """A line of CSV for each finding of each file, in the order of the table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["table_row", "picture", "finding"])
    for name in sorted(refused, key=lambda name: (rows.get(name, 0), name)):
        for finding in sorted(set(refused[name])):
            writer.writerow([rows.get(name, ""), name, finding])
    return text.getvalue()


def tally(findings: Iterable[Iterable[Finding]]) -> dict[str, int]:
    """In how many files each finding was made, by its text, sorted."""
    counts = Counter(str(finding) for found in findings for finding in set(found))
    return dict(sorted(counts.items()))
