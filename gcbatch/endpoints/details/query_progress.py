"""One query of details on its way to being answered."""

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
from gcbatch.windows import Window, milliseconds, step

__all__ = ["DetailQuery"]

MAX_REPEATED_PAGES: Final = 1_000
"""Pages of a job in succession that bring nothing new; a cursor leads on for ever."""


@dataclass(frozen=True)
class DetailQuery:
    """One query, what it brought so far, and what there is to work with.

    Args:
        query: What is asked.
        collector: What came.
        context: What there is to ask with.

    Attributes:
        days_by_job: Days that a job has brought, so that no piece of them is due.
    """

    query: Query
    collector: DetailCollector
    context: FetchContext
    days_by_job: set[Window] = field(default_factory=set, init=False)

    def body(self, span: Window, **more: Any) -> bytes:
        """Return the body of a request about a span."""
        template = orjson.loads(self.query.template)
        return canonical({**template, "interval": str(span), **more})

    def take(self, piece: PageCount, number: int, answer: Answer[Page]) -> None:
        """Count a page, and keep what is new on it."""
        self.collector.note(answer)
        noun = self.collector.records.noun
        doubled = piece.count(number, answer.value)
        self.collector.remarks[f"{noun} that came twice, dropped"] += doubled
        self.collector.take(answer.value)

    def take_results(self, span: Window, ids: set[str], answer: Answer[Page]) -> None:
        """Count a page of a job's results, and keep what is new on it.

        What began outside the span is not counted, should the job bring any: it would
        stand in for what is missing.

        Raises:
            DataError: If page after page brings nothing new.
        """
        self.collector.note(answer)
        self.available(span, answer.value.available_until)
        noun = self.collector.records.noun
        before, documents = len(ids), answer.value.documents
        if self.collector.records.at is not None:
            start, end = milliseconds(span.start), milliseconds(span.end)
            documents = [one for one in documents if start <= one.at_ms < end]
        ids.update(document.id for document in documents)
        doubled = len(documents) - (len(ids) - before)
        self.collector.repeated_pages = (
            0 if len(ids) > before else self.collector.repeated_pages + 1
        )
        if self.collector.repeated_pages > MAX_REPEATED_PAGES:
            msg = f"{self.query.endpoint} {span}: the pages of a job do not end"
            raise DataError(msg, hint="run it again; if it stays so, ask support")
        self.collector.remarks[f"{noun} that came twice, dropped"] += doubled
        self.collector.take(answer.value)

    def available(self, span: Window, until: datetime | None) -> None:
        """Learn what the service's jobs had data up to when they were asked."""
        if until is not None and until < span.end:
            self.collector.available(until)

    def is_beyond(self, span: Window) -> bool:
        """Say whether a span ends later than what the service has data up to."""
        until = self.collector.available_until
        return until is not None and until < span.end

    def check_shortfall(
        self, had: int, due: int, span: Window, *, drifts: bool
    ) -> None:
        """Judge a span whose count does not fit what came.

        Figures that still change may do so between two answers: the part is fetched
        anew anyhow. What has settled is wrong.

        Raises:
            DataError: If it is to be wrong.
        """
        noun = self.collector.records.noun
        if drifts and not self._has_settled(span):
            self.collector.remarks[f"{noun} counted, but not answered yet"] += max(
                0, due - had
            )
            return
        msg = f"{self.query.endpoint} {span}: {had:,} of {due:,} {noun} came"
        hint = "run it again; if it stays so, ask the service's support"
        raise DataError(msg, hint=hint)

    def _has_settled(self, span: Window) -> bool:
        if self.is_beyond(span):
            return False
        zone, settle = self.context.query_section.zone, self.context.fetch.settle
        return self.context.client.clock.now() >= step(
            self.query.window.end, settle, 1, zone
        )
