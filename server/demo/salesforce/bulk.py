"""Bulk API 2.0 queries: jobs that take their time, and results in pages of CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.demo.salesforce.faults import SalesforceFaults
from server.demo.salesforce.org import VERSION, written
from server.demo.salesforce.soql import Soql

NO_MORE = "null"


@dataclass(slots=True)
class Job:
    """A query job. What it finds is what there was when it was made."""

    job_id: str
    operation: str
    text: str
    query: Soql
    rows: Sequence[Mapping[str, Any]]
    polls_left: int
    fails: bool
    state: str = "UploadComplete"

    def poll(self) -> None:
        """Get on by one poll."""
        if self.state in ("Aborted", "JobComplete", "Failed"):
            return
        self.polls_left -= 1
        self.state = "InProgress" if self.polls_left > 0 else "Failed" if self.fails else "JobComplete"

    def plain(self) -> dict[str, Any]:
        told = {"id": self.job_id, "operation": self.operation, "object": self.query.kind, "state": self.state, "query": self.text,
                "contentType": "CSV", "apiVersion": float(VERSION[1:]), "lineEnding": "LF", "columnDelimiter": "COMMA"}  # fmt: skip
        if self.state == "JobComplete":
            told["numberRecordsProcessed"] = len(self.rows)
        if self.state == "Failed":
            told["errorMessage"] = "InternalServerError: the job failed on request of a test"
        return told


class Jobs:
    def __init__(self, faults: SalesforceFaults) -> None:
        self._faults = faults
        self._jobs: dict[str, Job] = {}

    def create(self, operation: str, text: str, query: Soql, rows: Sequence[Mapping[str, Any]]) -> Job:
        job_id = f"7505g00000{len(self._jobs) + 1:05d}AAA"
        fails = self._faults.failed_jobs > 0
        self._faults.failed_jobs -= fails
        self._jobs[job_id] = Job(job_id, operation, text, query, rows, self._faults.bulk_polls, fails)
        return self._jobs[job_id]

    def find(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def results(self, job: Job, locator: str | None, most: int) -> tuple[str, str, int]:
        """Return a page of CSV, the locator of the next ("null" where there is none), and how many records it has."""
        begin = int(locator, 36) if locator else 0
        rows = job.rows[begin : begin + most]
        written_to = io.StringIO()
        writer = csv.writer(written_to, lineterminator="\n", quoting=csv.QUOTE_ALL)
        if begin == 0 or self._faults.header_on_each_page:
            writer.writerow(job.query.fields)
        for row in rows:
            writer.writerow([_cell(row.get(name)) for name in job.query.fields])
        following = begin + most
        return written_to.getvalue(), _base36(following) if following < len(job.rows) else NO_MORE, len(rows)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(written(value)).replace("+0000", "Z")


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, last = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[last] + digits
    return digits
