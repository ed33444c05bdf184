"""How long and how large a job will be, judged by jobs like it that were done; nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import mean

from epuredgm.core.jobs import Job
from epuredgm.orchestration.records import Record, Records


class History:
    """Done jobs of a branch, looked up by likeness; the records are read when first asked."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._done: tuple[Record, ...] | None = None

    def predict(self, job: Job) -> tuple[float | None, int | None]:
        """Predicted seconds and bytes of a job, or None, None without history.

        The job's own last run under the same profile counts first; else the mean over other seeds of the same
        stage, data set, model and mode.
        """
        own = self._records.get(job.key)
        if own is not None and self._is_like(own, job):
            return own.seconds, own.bytes
        return _mean(record for record in self._all() if self._is_like(record, job))

    def _all(self) -> tuple[Record, ...]:
        if self._done is None:
            self._done = tuple(record for record in self._records.all() if record.status == "done")
        return self._done

    @staticmethod
    def _is_like(record: Record, job: Job) -> bool:
        same = (record.stage, record.dataset, record.model, record.mode)
        profile = job.config["profile"]["name"]
        return (
            record.status == "done"
            and record.profile == profile
            and same
            == (
                job.stage,
                job.dataset,
                job.model,
                job.mode,
            )
        )


def _mean(records: Iterable[Record]) -> tuple[float | None, int | None]:
    found = list(records)
    if not found:
        return None, None
    return mean(record.seconds for record in found), round(mean(record.bytes for record in found))
