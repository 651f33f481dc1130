"""Checking a run afterwards: its parts, its outputs, and the service's own day totals.

Nothing is written and nothing removed.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.concurrency import for_each
from gcbatch.endpoints import (
    Aggregates,
    DetailsEndpoint,
    FetchContext,
    Splitter,
    endpoint_named,
)
from gcbatch.errors import DataError, GcbatchError
from gcbatch.exporting import digest_file
from gcbatch.fetching import OrgSessions
from gcbatch.job import Job
from gcbatch.planning import SavedPlan, digest_parts
from gcbatch.query import Query
from gcbatch.running import blocking, last_run_of
from gcbatch.store import DOCUMENTS, REPORT_NOTE, PartMetadata, Store
from gcbatch.verifying.result import Flaw, Totals, VerifyResult
from gcbatch.verifying.totals import (
    Difference,
    TotalsPlan,
    differences,
    figures_of,
    plan_totals,
)
from gcbatch.windows import Window

__all__ = ["verify"]


def verify(job: Job, *, offline: bool = False) -> VerifyResult:
    """Check the last run of a job.

    Args:
        job: Whose run.
        offline: Whether to leave the service alone.

    Returns:
        What was found, be it good or not.

    Raises:
        DataError: If the job never ran.
        JobError: If it asks something else than its last run did.
    """
    return _Verifier(job, last_run_of(job)).verify(offline=offline)


class _Verifier:
    """One run under the glass."""

    def __init__(self, job: Job, kept: SavedPlan) -> None:
        self._job = job
        self._kept = kept
        self._store = Store(job.fetch.store, job.store_name)
        self._endpoint = endpoint_named(job.query.endpoint)
        self._missing: set[Window] = set()
        self._accounts: list[PartMetadata] = []
        plan = kept.plan
        self._found = VerifyResult(
            job=job.store_name,
            run_id=plan.run_id,
            window=plan.window,
            timezone=job.query.timezone,
            names=kept.names.by_dimension.get("queueId", {}),
        )

    def verify(self, *, offline: bool) -> VerifyResult:
        """Look at the parts, at the outputs, and ask the service."""
        found, endpoint = self._found, self._endpoint
        self._check_parts()
        self._check_outputs()
        if offline:
            found.not_compared = "offline"
        elif isinstance(endpoint, DetailsEndpoint):
            found.not_compared = (
                "rows of details are counted against the service's own count as they "
                "come"
            )
        elif not isinstance(endpoint, Aggregates):
            found.not_compared = f"{endpoint.name} has no totals to compare with"
        else:
            coarse = plan_totals(self._job, self._kept, endpoint)
            found.totals = Totals(left_out=list(coarse.left_out))
            try:
                blocking(self._compare(coarse, endpoint, found.totals))
            except GcbatchError as exc:
                found.failure = exc
                found.not_compared = exc.problem
            found.totals.sort()
        return found

    def _check_parts(self) -> None:
        for query in self._kept.plan.queries:
            self._found.parts += 1
            path = self._store.path(query.digest)
            try:
                wrong = self._misfit_of(query)
            except DataError as exc:
                wrong = exc.problem.removeprefix(f"{path}: ")
            if wrong:
                self._missing.add(query.window)
                flaw = Flaw(str(path), f"{wrong} ({query.window})")
                self._found.part_flaws.append(flaw)

    def _misfit_of(self, query: Query) -> str | None:
        """Say in what a part is not the answer to its query; None if in nothing.

        Its account is noted.

        Raises:
            DataError: If it cannot be read, or is damaged.
        """
        endpoint = self._endpoint
        if isinstance(endpoint, DetailsEndpoint):
            columns = _Columns(DOCUMENTS, "at", "at")
        else:
            schema = endpoint.schema(self._job.query)
            columns = _Columns(schema, "interval_start", "interval_end")
        with self._store.open_part(query.digest) as (account, batches):
            wrong = _misfit(account, batches, query, columns)
        self._accounts.append(account)
        return wrong

    def _check_outputs(self) -> None:
        found, path = self._found, self._store.folder / REPORT_NOTE
        note = self._store.read_note(REPORT_NOTE) or {}
        try:
            run_id, digests = note["run_id"], note["digests"]
            inputs, outputs = digests["inputs"]["sha256"], digests["outputs"]
            told = [(o["path"], o["sha256"], o["bytes"]) for o in outputs]
            gaps = len(note["gaps"])
            unwritten = [
                f"{e['exporter']}: {e['error']}" for e in note.get("failed_exports", ())
            ]
        except (KeyError, TypeError):
            flaw = Flaw(str(path), "is missing or not readable: the run did not end")
            found.output_flaws.append(flaw)
            return
        if gaps:
            problem = f"tells of gaps: {gaps:,}, so the outputs are not complete"
            found.output_flaws.append(Flaw(str(path), problem))
        elif run_id != found.run_id:
            problem = "tells of another run: the last one did not write its outputs"
            found.output_flaws.append(Flaw(str(path), problem))
        elif (
            not found.part_flaws
            and digest_parts(self._kept.plan, self._store).sha256 != inputs
        ):
            problem = "tells of other parts: they changed since outputs were written"
            found.output_flaws.append(Flaw(str(path), problem))
        for failed in unwritten:
            flaw = Flaw(str(path), f"tells of an export that failed: {failed}")
            found.output_flaws.append(flaw)
        for place, digest, size in told:
            found.outputs += 1
            if changed := _output_problem(Path(str(place)), digest, size):
                found.output_flaws.append(Flaw(str(place), changed))

    async def _compare(
        self, coarse: TotalsPlan, endpoint: Aggregates, totals: Totals
    ) -> None:
        """Ask the totals, a bounded number at once, and compare each as it comes."""
        if coarse.plan is None:
            return
        async with OrgSessions([self._job]) as orgs:
            session = await orgs.session(self._job)
            await session.access.tokens.get()
            # By the clock of the login: by one that is behind, nothing had settled.
            provisional = self._provisional(session.client.clock.now())
            before = session.client.traffic.sent
            desk = FetchContext(
                session.client, coarse.asked, self._job.fetch, self._store
            )
            splitter = Splitter(endpoint, desk)

            async def work(found: tuple[Window, list[Query]]) -> None:
                window, queries = found
                spans = self._spans(coarse, window, totals)
                if not spans:
                    return
                served = [(await splitter.ask(query)).table for query in queries]
                differing = await asyncio.to_thread(
                    self._differences, coarse, endpoint, spans, served
                )
                soft = {s for s in spans if _touches(s, provisional)}
                totals.add(spans, soft, differing)

            try:
                await for_each(
                    coarse.plan.windows, work, at_once=self._job.fetch.concurrency
                )
            finally:
                totals.requests = session.client.traffic.sent - before

    def _provisional(self, now: datetime) -> set[Window]:
        """Return the windows whose figures had not settled when they were fetched."""
        settle, zone = self._job.fetch.settle, self._job.query.zone
        return {a.window for a in self._accounts if not a.is_final(settle, zone, now)}

    def _spans(
        self, coarse: TotalsPlan, window: Window, totals: Totals
    ) -> list[Window]:
        """Return the spans of a window that can be compared; note the others."""
        whole = []
        for span in coarse.spans(window):
            if _touches(span, self._missing):
                totals.left_out.append(span)
            else:
                whole.append(span)
        return whole

    def _rows(self, query: Query, endpoint: Aggregates) -> pa.Table:
        """Return the rows of a part, which is not removed if it is damaged."""
        with self._store.open_part(query.digest) as (_, batches):
            found = list(batches)
        schema = endpoint.schema(self._job.query)
        return pa.Table.from_batches(found) if found else schema.empty_table()

    def _differences(
        self,
        coarse: TotalsPlan,
        endpoint: Aggregates,
        spans: Sequence[Window],
        served: Sequence[pa.Table],
    ) -> list[Difference]:
        """Compare one window of totals with the parts that it is about."""
        parts = (
            self._rows(query, endpoint)
            for query in self._kept.plan.queries
            if query.window not in self._missing and _touches(query.window, spans)
        )
        found = differences(
            parts,
            served,
            spans,
            groups=endpoint.groups(coarse.asked),
            figures=figures_of(coarse.asked),
        )
        return list(found)


def _touches(window: Window, others: Iterable[Window]) -> bool:
    return any(o.start < window.end and window.start < o.end for o in others)


@dataclass(frozen=True)
class _Columns:
    """What a part should have: its schema, and the columns of its rows' spans."""

    schema: pa.Schema
    start: str
    end: str


def _misfit(
    account: PartMetadata,
    batches: Iterable[pa.RecordBatch],
    query: Query,
    columns: _Columns,
) -> str | None:
    """Say in what a part is not the answer to its query; None if in nothing."""
    if account.window != query.window:
        return f"part is about another window, {account.window}"
    rows, is_outside, is_other = 0, False, False
    wanted = columns.schema
    for batch in batches:
        rows += batch.num_rows
        found = batch.schema
        if (found.names, found.types) != (wanted.names, wanted.types):
            is_other = True
        elif batch.num_rows:
            first = pc.min(batch[columns.start]).as_py()
            last = pc.max(batch[columns.end]).as_py()
            is_outside |= first < query.window.start or last > query.window.end
    if account.rows != rows:
        return f"part has {rows:,} rows, its account tells {account.rows:,}"
    if is_other:
        return "part has other columns than the job"
    return "part has buckets outside its window" if is_outside else None


def _output_problem(path: Path, digest: object, size: object) -> str | None:
    """Say in what a file is not what was published; None if in nothing."""
    try:
        output = digest_file(path)
    except FileNotFoundError:
        return "output is missing"
    except (OSError, ValueError) as exc:  # a path of a note that is no path
        return f"output cannot be read: {getattr(exc, 'strerror', exc)}"
    if (output.sha256, output.bytes) != (digest, size):
        return "output has changed since it was written"
    return None
