"""Checking a run afterwards: its parts, its outputs, and the service's own day totals.

Nothing is written and nothing removed.
"""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from gcbatch.digests import inputs_of, output_at
from gcbatch.errors import DataError, GcbatchError
from gcbatch.genesys.endpoints import Aggregates, Endpoint, endpoint_named
from gcbatch.job import Job
from gcbatch.kept import Kept
from gcbatch.orgs import Orgs
from gcbatch.pipeline import blocking, last_run_of
from gcbatch.query import Query
from gcbatch.report import REPORT_NOTE
from gcbatch.splitting import Splitter
from gcbatch.store import Part, Store
from gcbatch.totals import Coarse, Difference, coarse_of, differences, figures_of
from gcbatch.verification import Flaw, Totals, Verification
from gcbatch.windows import Window

__all__ = ["verify"]


def verify(job: Job, *, offline: bool = False) -> Verification:
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

    def __init__(self, job: Job, kept: Kept) -> None:
        self._job = job
        self._kept = kept
        self._store = Store(job.fetch.store, job.name)
        self._endpoint: Endpoint = endpoint_named(job.query.endpoint)
        self._missing: set[Window] = set()
        self._provisional: set[Window] = set()
        plan = kept.plan
        self._found = Verification(
            job=job.name,
            run_id=plan.run_id,
            window=plan.window,
            timezone=job.query.timezone,
            names=kept.names.by_dimension.get("queueId", {}),
        )

    def verify(self, *, offline: bool) -> Verification:
        """Look at the parts, at the outputs, and ask the service."""
        found, endpoint = self._found, self._endpoint
        self._check_parts()
        self._check_outputs()
        if offline:
            found.not_compared = "offline"
        elif not isinstance(endpoint, Aggregates):
            found.not_compared = f"{endpoint.name} has no totals to compare with"
        else:
            coarse = coarse_of(self._job, self._kept, endpoint)
            found.totals = Totals(left_out=list(coarse.left_out))
            try:
                blocking(self._compare(coarse, endpoint, found.totals))
            except GcbatchError as exc:
                found.failure = exc
                found.not_compared = exc.problem
            found.totals.sort()
        return found

    def _check_parts(self) -> None:
        schema = self._endpoint.schema(self._job.query)
        zone, settle = self._job.query.zone, self._job.fetch.settle
        for query in self._kept.plan.queries:
            self._found.parts += 1
            path = self._store.path(query.digest)
            try:
                part = self._store.inspect(query.digest)
            except DataError as exc:
                wrong: str | None = exc.problem.removeprefix(f"{path}: ")
            else:
                wrong = _misfit(part, query, schema)
                if not part.account.settled(settle, zone):
                    self._provisional.add(query.window)
            if wrong:
                self._missing.add(query.window)
                flaw = Flaw(str(path), f"{wrong} ({query.window})")
                self._found.part_flaws.append(flaw)

    def _check_outputs(self) -> None:
        found, path = self._found, self._store.folder / REPORT_NOTE
        note = self._store.read_note(REPORT_NOTE) or {}
        try:
            run_id, digests = note["run_id"], note["digests"]
            inputs, outputs = digests["inputs"]["sha256"], digests["outputs"]
            told = [(o["path"], o["sha256"], o["bytes"]) for o in outputs]
            gaps = len(note["gaps"])
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
            and inputs_of(self._kept.plan, self._store).sha256 != inputs
        ):
            problem = "tells of other parts: they changed since outputs were written"
            found.output_flaws.append(Flaw(str(path), problem))
        for place, digest, size in told:
            found.outputs += 1
            if changed := _output_problem(Path(str(place)), digest, size):
                found.output_flaws.append(Flaw(str(place), changed))

    async def _compare(
        self, coarse: Coarse, endpoint: Aggregates, totals: Totals
    ) -> None:
        """Ask the totals, a bounded number at once, and compare each as it comes."""
        if coarse.plan is None:
            return
        async with Orgs([self._job]) as orgs:
            session = await orgs.session(self._job)
            before = session.client.traffic.sent
            splitter = Splitter(endpoint, session.client, coarse.asked)
            waiting = iter(coarse.plan.windows)

            async def work() -> None:
                for window, queries in waiting:
                    spans = self._spans(coarse, window, totals)
                    if not spans:
                        continue
                    served = [(await splitter.ask(query)).table for query in queries]
                    found = await asyncio.to_thread(
                        self._differences, coarse, spans, served
                    )
                    soft = {s for s in spans if _touches(s, self._provisional)}
                    totals.add(spans, soft, found)

            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(self._job.fetch.concurrency):
                        group.create_task(work())
            except ExceptionGroup as failed:
                for problem in failed.exceptions:
                    if isinstance(problem, GcbatchError):
                        raise problem from failed
                raise
            finally:
                totals.requests = session.client.traffic.sent - before

    def _spans(self, coarse: Coarse, window: Window, totals: Totals) -> list[Window]:
        """Return the spans of a window that can be compared; note the others."""
        whole = []
        for span in coarse.spans(window):
            if _touches(span, self._missing):
                totals.left_out.append(span)
            else:
                whole.append(span)
        return whole

    def _differences(
        self, coarse: Coarse, spans: Sequence[Window], served: Sequence[pa.Table]
    ) -> list[Difference]:
        """Compare one window of totals with the parts that it is about."""
        parts = (
            self._store.inspect(query.digest).table
            for query in self._kept.plan.queries
            if query.window not in self._missing and _touches(query.window, spans)
        )
        found = differences(
            parts,
            served,
            spans,
            groups=self._endpoint.groups(coarse.asked),
            figures=figures_of(coarse.asked),
        )
        return list(found)


def _touches(window: Window, others: Iterable[Window]) -> bool:
    return any(o.start < window.end and window.start < o.end for o in others)


def _misfit(part: Part, query: Query, schema: pa.Schema) -> str | None:
    """Say in what a part is not the answer to its query; None if in nothing."""
    table, account = part.table, part.account
    if account.window != query.window:
        return f"part is about another window, {account.window}"
    if account.rows != table.num_rows:
        return f"part has {table.num_rows:,} rows, its account tells {account.rows:,}"
    if (table.schema.names, table.schema.types) != (schema.names, schema.types):
        return "part has other columns than the job"
    if not table.num_rows:
        return None
    first, last = pc.min(table["interval_start"]), pc.max(table["interval_end"])
    if Window(first.as_py(), last.as_py()) not in query.window:
        return "part has buckets outside its window"
    return None


def _output_problem(path: Path, digest: object, size: object) -> str | None:
    """Say in what a file is not what was published; None if in nothing."""
    try:
        output = output_at(path)
    except FileNotFoundError:
        return "output is missing"
    except OSError as exc:
        return f"output cannot be read: {exc.strerror}"
    if (output.sha256, output.bytes) != (digest, size):
        return "output has changed since it was written"
    return None
