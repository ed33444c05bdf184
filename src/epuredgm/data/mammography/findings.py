"""What speaks against letting files in, and the decision: refused, or let in by somebody who says why.

Findings name an element of the standard and the reason, never the value. A decision against them goes to a
log that is only added to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from epuredgm.core.errors import BadRequest, DataError
from epuredgm.data.mammography import audit


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
    findings: Mapping[str, Sequence[Finding]], dataset: str, log: Path, override: Override | None = None
) -> None:
    """Let a data set in, or refuse it.

    Args:
        findings: of every file, by a name that identifies nobody.
        dataset: its name.
        log: audit log that an override is added to.
        override: the decision to let it in all the same.

    Raises:
        DataError: listing the findings with their counts, if there are any and no override.
    """
    counts = tally(findings.values())
    if not counts:
        return
    refused = sum(bool(found) for found in findings.values())
    if override is None:
        faults = [f"{finding} (in {number} files)" for finding, number in counts.items()]
        raise DataError(
            f"data set {dataset}: {refused} of {len(findings)} files are not de-identified",
            faults,
            "De-identify them (DICOM PS3.15, Basic Application Level Confidentiality Profile).",
        )
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


def tally(findings: Iterable[Iterable[Finding]]) -> dict[str, int]:
    """In how many files each finding was made, by its text, sorted."""
    counts = Counter(str(finding) for found in findings for finding in set(found))
    return dict(sorted(counts.items()))
