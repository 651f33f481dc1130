"""The plan: which queries a job asks, in order, and what they cost. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Any

from gcbatch.errors import JobError
from gcbatch.job import Job
from gcbatch.planning.scope import PlannedEndpoint, ResolvedScope
from gcbatch.planning.tiling import INTERVAL_BYTES, fewest_queries, utc_day_queries
from gcbatch.query import Query, make_query
from gcbatch.windows import Window

__all__ = ["Plan", "combine_run_ids", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """The queries of a job, by window and within it by batch of queues.

    Args:
        window: The whole range; the windows of the queries tile it.
        queries: In the order in which they are asked.
    """

    window: Window
    queries: tuple[Query, ...]

    @property
    def run_id(self) -> str:
        """A hash over the queries: the same plan has the same id."""
        digests = "\n".join(query.digest for query in self.queries)
        return sha256(digests.encode()).hexdigest()[:16]

    @property
    def windows(self) -> list[tuple[Window, list[Query]]]:
        """The queries of each window, in time order."""
        by_window = groupby(self.queries, key=lambda query: query.window)
        return [(window, list(queries)) for window, queries in by_window]

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept with the run; templates are written once."""
        templates = list(dict.fromkeys(query.template for query in self.queries))
        places = {template: place for place, template in enumerate(templates)}
        return {
            "window": [self.window.start.isoformat(), self.window.end.isoformat()],
            "templates": [template.decode() for template in templates],
            "queries": [
                [
                    q.endpoint,
                    q.window.start.isoformat(),
                    q.window.end.isoformat(),
                    places[q.template],
                    q.digest,
                ]
                for q in self.queries
            ],
        }

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Plan":
        """Read what to_json wrote."""
        templates = [text.encode() for text in raw["templates"]]
        return cls(
            _window(*raw["window"]),
            tuple(
                Query(endpoint, _window(start, end), templates[place], digest)
                for endpoint, start, end, place, digest in raw["queries"]
            ),
        )


def _window(start: str, end: str) -> Window:
    return Window(datetime.fromisoformat(start), datetime.fromisoformat(end))


def make_plan(job: Job, scope: ResolvedScope, endpoint: PlannedEndpoint) -> Plan:
    """Return the fewest queries that the limits allow.

    Windows tile the range by the local calendar; queue lists are cut into batches.
    Longer windows need more batches, so each length is weighed.

    Args:
        job: What to ask.
        scope: About what.
        endpoint: Whom.

    Raises:
        JobError: If `fetch.chunk` does not hold whole buckets, or the queues need more
            requests than one whose answers cannot be told apart.
    """
    windows, batches = (
        utc_day_queries(job, scope, endpoint)
        if endpoint.in_utc_days
        else fewest_queries(job, scope, endpoint)
    )
    templates = {
        size: [endpoint.template(job.query, batch) for batch in of_size]
        for size, of_size in batches.items()
    }
    _check_bodies(job, list(templates.values()))
    return Plan(
        scope.window,
        tuple(
            make_query(
                scope.identity, endpoint.name, window, template, endpoint.part_format
            )
            for window, size in windows
            for template in templates[size]
        ),
    )


def _check_bodies(job: Job, templates: Sequence[Sequence[bytes]]) -> None:
    """Refuse requests that are too large, or whose answers cannot be put together.

    Args:
        job: What to ask.
        templates: Of the requests of a window, of each kind of window.
    """
    longest = max(len(template) for together in templates for template in together)
    size, most = longest + INTERVAL_BYTES, job.fetch.limits.body_bytes
    at_once = max(map(len, templates))
    if size > most:
        msg = f"query: a request would have {size} bytes; the service takes {most}"
        raise JobError(msg, hint="shorten query.filter, or name fewer queues")
    is_told_apart = job.query.family is None or "queueId" in job.query.group_by
    if at_once > 1 and not is_told_apart:
        msg = (
            f"query.queues: so many need {at_once} requests for each window, "
            "whose answers overlap when not grouped by queueId"
        )
        raise JobError(msg, hint="add queueId to query.group_by, or leave queues out")


def combine_run_ids(runs: Mapping[str, str]) -> str:
    """Return what identifies the plans of several orgs, each by its name."""
    told = "\n".join(f"{org} {runs[org]}" for org in sorted(runs))
    return sha256(told.encode()).hexdigest()[:16]
