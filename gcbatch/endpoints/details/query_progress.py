"""The progress of one query of details."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from gcbatch.endpoints.base import FetchContext
from gcbatch.endpoints.details.completeness import DetailCollector, PageCount
from gcbatch.endpoints.details.page_reader import Page
from gcbatch.errors import DataError
from gcbatch.genesys.client import Answer
from gcbatch.query import Query, canonical
from gcbatch.store import IdSet
from gcbatch.windows import Window, milliseconds, step

__all__ = ["DetailQuery"]

MAX_REPEATED_PAGES: Final = 1_000
"""Pages of a job in succession that bring nothing new, before its cursors count as
endless."""


@dataclass(frozen=True)
class DetailQuery:
    """One query, and what has been fetched of it.

    Attributes:
        days_by_job: Days that a job has fetched; no piece of them is due any more.
    """

    query: Query
    collector: DetailCollector
    context: FetchContext
    days_by_job: set[Window] = field(default_factory=set, init=False)

    def body(self, span: Window, **more: Any) -> bytes:
        """Return the body of a request about a span."""
        template = orjson.loads(self.query.template)
        return canonical({**template, "interval": str(span), **more})

    def take(self, counts: PageCount, number: int, answer: Answer[Page]) -> None:
        """Count a page, and store its new records."""
        self._store(answer, counts.count(number, answer.value))

    def take_results(self, span: Window, ids: IdSet, answer: Answer[Page]) -> None:
        """Count a page of a job's results, and store its new records.

        Records that began outside the span are not counted: they would stand in for
        missing ones.

        Raises:
            DataError: If page after page brings nothing new.
        """
        self.available(span, answer.value.available_until)
        documents = answer.value.documents
        if self.collector.records.at is not None:
            start, end = milliseconds(span.start), milliseconds(span.end)
            documents = [one for one in documents if start <= one.at_ms < end]
        new = ids.update(document.id for document in documents)
        self.collector.repeated_pages = 0 if new else self.collector.repeated_pages + 1
        if self.collector.repeated_pages > MAX_REPEATED_PAGES:
            msg = f"{self.query.endpoint} {span}: the pages of a job do not end"
            raise DataError(msg, hint="run it again; if it stays so, ask support")
        self._store(answer, len(documents) - new)

    def _store(self, answer: Answer[Page], doubled: int) -> None:
        collector = self.collector
        collector.note(answer)
        remark = f"{collector.records.noun} that came twice, dropped"
        collector.remarks[remark] += doubled
        collector.take(answer.value)

    def available(self, span: Window, until: datetime | None) -> None:
        """Note up to when the service's jobs had data, if that is within the span."""
        if until is not None and until < span.end:
            self.collector.available(until)

    def is_beyond(self, span: Window) -> bool:
        """Return whether a span ends later than the service's data."""
        until = self.collector.available_until
        return until is not None and until < span.end

    def check_shortfall(
        self, had: int, due: int, span: Window, *, drifts: bool
    ) -> None:
        """Decide whether a span whose count does not fit its records is an error.

        Figures that still change may do so between two answers, and the part will be
        fetched again anyway: that is a remark. For final figures it is an error.

        Args:
            had: How many records came.
            due: How many should have come.
            span: The span.
            drifts: Whether the count is at fault.

        Raises:
            DataError: If it is an error; names the span and both numbers.
        """
        noun = self.collector.records.noun
        if drifts and not self._has_settled(span):
            remark = f"{noun} counted, but not answered yet"
            self.collector.remarks[remark] += max(0, due - had)
            return
        msg = f"{self.query.endpoint} {span}: {had:,} of {due:,} {noun} came"
        hint = "run it again; if it stays so, ask the service's support"
        raise DataError(msg, hint=hint)

    def _has_settled(self, span: Window) -> bool:
        if self.is_beyond(span):
            return False
        zone = self.context.query_section.zone
        # A late evaluation adds no conversation: the count has settled by then.
        settle = self.context.fetch.settle.default
        final_at = step(self.query.window.end, settle, 1, zone)
        return self.context.client.clock.now() >= final_at
