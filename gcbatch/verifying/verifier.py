"""Checks a run afterwards: its parts, its outputs, and the service's own totals.

It writes nothing and removes nothing.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import pyarrow as pa

from gcbatch.concurrency import for_each
from gcbatch.endpoints import (
    Aggregates,
    DetailsEndpoint,
    FetchContext,
    Splitter,
    endpoint_named,
)
from gcbatch.errors import DataError, GcbatchError, OutputError
from gcbatch.exporting import PublishedFile, are_unchanged, published_files
from gcbatch.fetching import OrgSessions
from gcbatch.job import Job, span_for_refetch
from gcbatch.joined_spans import joined_spans
from gcbatch.lazy import lazy_import
from gcbatch.objects import Buckets
from gcbatch.planning import SavedPlan, digest_parts
from gcbatch.query import Query
from gcbatch.running import blocking, last_run_of
from gcbatch.store import (
    DOCUMENTS,
    REPORT_NOTE,
    PartMetadata,
    Store,
    history_of,
    listing_checksums,
    read_entities,
    read_versions,
)
from gcbatch.verifying.result import Flaw, Totals, VerifyResult
from gcbatch.verifying.totals import (
    Difference,
    TotalsPlan,
    differences,
    figures_of,
    plan_totals,
)
from gcbatch.windows import Window

__all__ = ["verify_org"]

pc = lazy_import("pyarrow.compute")

MAX_SPANS: Final = 8
"""Spans that a command names."""


def verify_org(job: Job, *, offline: bool = False) -> VerifyResult:
    """Check the last run of a job.

    Args:
        job: The job.
        offline: Whether to send no request to the service.

    Returns:
        What was found, good or not.

    Raises:
        DataError: If the job never ran.
        JobError: If it requests other data than its last run did.
    """
    return _Verifier(job, last_run_of(job)).verify(offline=offline)


class _Verifier:
    """Checks one run."""

    def __init__(self, job: Job, saved: SavedPlan) -> None:
        self._job = job
        self._saved = saved
        self._buckets = job.storage.buckets()
        self._store = Store(job.open_store(self._buckets), job.store_name)
        self._endpoint = endpoint_named(job.query.endpoint)
        self._missing: set[Window] = set()
        plan = saved.plan
        self._result = VerifyResult(
            job=job.store_name,
            run_id=plan.run_id,
            window=None if job.lists_only else plan.window,
            timezone=job.query.timezone,
            names=saved.names.by_dimension.get("queueId", {}),
        )

    def verify(self, *, offline: bool) -> VerifyResult:
        """Check the parts, then the outputs, then compare with the service."""
        result, endpoint = self._result, self._endpoint
        self._check_parts()
        self._check_listings()
        self._check_outputs()
        if offline:
            result.not_compared = "offline"
        elif self._job.lists_only:
            result.not_compared = "the service has no totals of tables that it lists"
        elif isinstance(endpoint, DetailsEndpoint):
            result.not_compared = (
                "rows of details are counted against the service's own count when they "
                "are fetched"
            )
        elif not isinstance(endpoint, Aggregates):
            result.not_compared = f"{endpoint.name} has no totals to compare with"
        else:
            totals_plan = plan_totals(self._job, self._saved, endpoint)
            result.totals = Totals(left_out=list(totals_plan.left_out))
            try:
                blocking(self._compare(totals_plan, endpoint, result.totals))
            except GcbatchError as exc:
                result.failure = exc
                result.not_compared = exc.problem
            result.totals.sort()
        result.refetch = tuple(self._spans_to_refetch())
        return result

    def _spans_to_refetch(self) -> Iterator[str]:
        """Yield what `--refetch` takes for what is missing or different.

        What is in the range of a run now: a range such as `from: today-7d` has moved.
        """
        totals = self._result.totals
        found = self._missing | (totals.differing_spans if totals else set())
        if not found:
            return
        whole = self._job.query.window(datetime.now(UTC))
        inside = (window.intersection(whole) for window in found)
        for span in joined_spans(filter(None, inside), MAX_SPANS):
            yield span_for_refetch(span, self._job.query.zone)

    def _check_parts(self) -> None:
        self._store.expect(query.digest for query in self._saved.plan.queries)
        for query in self._saved.plan.queries:
            self._result.parts += 1
            place = self._store.place_of(query.digest)
            try:
                problem = self._part_problem(query)
            except DataError as exc:
                problem = exc.problem.removeprefix(f"{place}: ")
            if problem:
                self._missing.add(query.window)
                flaw = Flaw(place, f"{problem} ({query.window})")
                self._result.part_flaws.append(flaw)

    def _check_listings(self) -> None:
        for table in self._job.entities:
            is_history = table in self._job.histories
            if (history_of(table) if is_history else table) not in self._saved.tables:
                continue  # its export was added since the last run
            self._result.listings += 1
            try:
                if is_history:
                    deque(read_versions(self._store, table).rows, maxlen=0)
                else:
                    deque(read_entities(self._store, table).rows, maxlen=0)
            except DataError as exc:
                flaw = Flaw(f"listing {table}", exc.problem)
                self._result.listing_flaws.append(flaw)

    @cached_property
    def _shape(self) -> tuple[pa.Schema, tuple[str, str]]:
        """The columns of every part, and those with the first and last instant."""
        if isinstance(self._endpoint, DetailsEndpoint):
            return DOCUMENTS, ("at", "at")
        schema = self._endpoint.schema(self._job.query)
        return schema, ("interval_start", "interval_end")

    def _part_problem(self, query: Query) -> str | None:
        """Return why a part is not the result of its query, or None.

        Raises:
            DataError: If it cannot be read, or is damaged.
        """
        with self._store.open_part(query.digest) as (metadata, batches):
            return _mismatch(metadata, batches, query, *self._shape)

    def _check_outputs(self) -> None:
        result = self._result
        place = self._store.files.place_of(REPORT_NOTE)
        note = self._store.read_note(REPORT_NOTE) or {}
        problems = []
        try:
            run_id, digests = note["run_id"], note["digests"]
            inputs, published = digests["inputs"]["sha256"], published_files(note)
            listings = {**digests.get("listings", {})}
            gaps = len(note["gaps"])
            failed = [
                f"an export failed: {e['exporter']}: {e['error']}"
                for e in note.get("failed_exports", ())
            ]
        except (KeyError, TypeError, AttributeError):
            flaw = Flaw(place, "is missing or not readable: the run did not end")
            result.output_flaws.append(flaw)
            result.outdated = "the last run did not end"
            return
        result.report = note
        if gaps:
            problems.append(f"has gaps: {gaps:,}, so the outputs are not complete")
        elif run_id != result.run_id:
            problems.append("is of another run: the last one did not write its outputs")
        elif other := self._other_inputs(inputs, listings):
            problems.append(
                f"is of other {other}: they changed since the outputs were written"
            )
        if result.part_flaws:
            result.outdated = "parts are missing or damaged"
        elif result.listing_flaws:
            result.outdated = "listings are missing or damaged"
        elif problems:
            result.outdated = f"the last run's report {problems[0]}"
        flaws = [Flaw(place, problem) for problem in (*problems, *failed)]
        for output in published:
            result.outputs += 1
            if problem := _output_problem(output, self._buckets):
                flaws.append(Flaw(output.path, problem))
        result.output_flaws += flaws

    def _other_inputs(self, parts: str, listings: Mapping[str, str]) -> str | None:
        """Return which inputs are not those of the outputs; None if all are.

        Args:
            parts: Digest of the parts that the outputs were made of.
            listings: Checksums of their listings, by table; older releases wrote none.
        """
        result = self._result
        names = {
            history_of(table) if table in self._job.histories else table: table
            for table in listings
        }
        found = listing_checksums(self._store, names)
        stored = {names[name]: checksum for name, checksum in found}
        is_listing_other = not result.listing_flaws and stored != listings
        is_part_other = (
            not result.part_flaws
            and digest_parts(self._saved.plan, self._store).sha256 != parts
        )
        if is_part_other:
            return "parts"
        return "listings" if is_listing_other else None

    async def _compare(
        self, totals_plan: TotalsPlan, endpoint: Aggregates, totals: Totals
    ) -> None:
        """Fetch the totals, a bounded number at once, and compare each as it comes."""
        if totals_plan.plan is None:
            return
        async with OrgSessions([self._job]) as orgs:
            session = await orgs.session(self._job)
            await session.org_client.tokens.get()
            # The login sets the clock: by a clock that is behind, nothing has settled.
            provisional = self._provisional(session.client.clock.now())
            before = session.client.traffic.sent
            context = FetchContext(
                session.client, totals_plan.query_section, self._job.fetch, self._store
            )
            splitter = Splitter(endpoint, context)

            async def work(found: tuple[Window, list[Query]]) -> None:
                window, queries = found
                spans = self._complete_spans(totals_plan, window, totals)
                if not spans:
                    return
                served = [(await splitter.fetch(query)).table for query in queries]
                differing = await asyncio.to_thread(
                    self._differences, totals_plan, endpoint, spans, served
                )
                soft = {s for s in spans if _touches(s, provisional)}
                totals.add(spans, soft, differing)

            try:
                await for_each(
                    totals_plan.plan.windows, work, at_once=self._job.fetch.concurrency
                )
            finally:
                totals.requests = session.client.traffic.sent - before

    def _provisional(self, now: datetime) -> set[Window]:
        """Return the windows that were fetched before their figures settled."""
        settle, zone = self._job.settle, self._job.query.zone
        found = (self._store.metadata(q.digest) for q in self._saved.plan.queries)
        return {a.window for a in found if a and not a.is_final(settle, zone, now)}

    def _complete_spans(
        self, totals_plan: TotalsPlan, window: Window, totals: Totals
    ) -> list[Window]:
        """Return the spans of a window that have all parts; note the others."""
        spans = totals_plan.spans(window)
        complete = [span for span in spans if not _touches(span, self._missing)]
        totals.left_out += (span for span in spans if span not in complete)
        return complete

    def _rows(self, query: Query, endpoint: Aggregates) -> pa.Table:
        """Return the rows of a part, which is not removed if it is damaged."""
        with self._store.open_part(query.digest) as (_, batches):
            found = list(batches)
        schema = endpoint.schema(self._job.query)
        return pa.Table.from_batches(found) if found else schema.empty_table()

    def _differences(
        self,
        totals_plan: TotalsPlan,
        endpoint: Aggregates,
        spans: Sequence[Window],
        served: Sequence[pa.Table],
    ) -> list[Difference]:
        """Compare one window of totals with its parts."""
        parts = (
            self._rows(query, endpoint)
            for query in self._saved.plan.queries
            if query.window not in self._missing and _touches(query.window, spans)
        )
        return list(
            differences(
                parts,
                served,
                spans,
                groups=endpoint.groups(totals_plan.query_section),
                figures=figures_of(totals_plan.query_section),
            )
        )


def _touches(window: Window, others: Iterable[Window]) -> bool:
    return any(map(window.overlaps, others))


def _mismatch(
    metadata: PartMetadata,
    batches: Iterable[pa.RecordBatch],
    query: Query,
    schema: pa.Schema,
    times: tuple[str, str],
) -> str | None:
    """Return why a part is not the result of its query, or None."""
    if metadata.window != query.window:
        return f"part is of another window, {metadata.window}"
    rows, is_outside, is_other = 0, False, False
    for batch in batches:
        rows += batch.num_rows
        found = batch.schema
        if (found.names, found.types) != (schema.names, schema.types):
            is_other = True
        elif batch.num_rows:
            first = pc.min(batch[times[0]]).as_py()
            last = pc.max(batch[times[1]]).as_py()
            is_outside |= first < query.window.start or last > query.window.end
    if metadata.rows != rows:
        return f"part has {rows:,} rows, its metadata says {metadata.rows:,}"
    if is_other:
        return "part has other columns than the job"
    return "part has buckets outside its window" if is_outside else None


def _output_problem(output: PublishedFile, buckets: Buckets) -> str | None:
    """Return how a file or object differs from what was published, or None."""
    try:
        is_same = are_unchanged([output], buckets)
    except FileNotFoundError:
        return "output is missing"
    except OutputError as exc:
        return f"output cannot be compared: {exc.problem}"
    except (OSError, ValueError, TypeError, AttributeError) as exc:  # it is no path
        return f"output cannot be read: {getattr(exc, 'strerror', exc)}"
    return None if is_same else "output has changed since it was written"
