"""What became of a worker that said no last word, and the record that it could not finish."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from epuredgm.core.jobs import JobFile
from epuredgm.orchestration.archive import save
from epuredgm.orchestration.pool import SERVER_LOST, Ended
from epuredgm.orchestration.records import Record, Records


def cause_of(event: Ended) -> tuple[str, str]:
    """What killed a worker, in words and as an exit class."""
    if event.report is not None:
        return "stopped from outside", "interrupted"
    if event.exit_code == SERVER_LOST:
        return "its process was lost", "lost"
    if event.exit_code < 0:
        number = -event.exit_code
        hint = " (the system may have run out of memory)" if number == 9 else ""
        return f"killed by signal {number}{hint}", f"killed by signal {number}"
    return f"its process ended with exit code {event.exit_code} and no word", "failed"


def was_killed(event: Ended) -> bool:
    """Whether something outside ended a worker, so that the job deserves another try."""
    return event.report is not None or event.exit_code < 0 or event.exit_code == SERVER_LOST


def close_record(
    records: Records, work: JobFile, pid: int, status: str, exit_class: str, error: str
) -> Record:
    """Write down the end of an attempt whose process could not.

    Args:
        records: where.
        work: what the worker was given.
        pid: the worker's process.
        status: the record's new status.
        exit_class, error: how the attempt ended.
    """
    record = records.get(work.key)
    if record is None or record.last is None or record.last.pid != pid:
        log = records.workspace.relative(Path(work.log))
        record = Record.begin(work, record, log)  # it died before its first word
    if record.last is not None and record.last.end is None:
        record = record.ended(status, exit_class, error=error)
    else:
        record = replace(record, status=status, error=error)
    save(record, records.workspace)
    records.forget(work.key)
    return record
