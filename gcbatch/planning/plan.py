"""The plan: which queries a job needs, in order. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Annotated, Any

import msgspec

from gcbatch.errors import JobError
from gcbatch.job import Job
from gcbatch.planning.scope import PlannedEndpoint, ResolvedScope
from gcbatch.planning.tiling import INTERVAL_BYTES, fewest_queries, utc_day_queries
from gcbatch.query import Query, hash_template, make_query
from gcbatch.windows import Window

__all__ = ["Plan", "combine_run_ids", "make_plan"]

_Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{40}$")]
_Place = Annotated[int, msgspec.Meta(ge=0)]


@dataclass(frozen=True)
class Plan:
    """The queries of a job, by window and within it by batch of queues.

    Args:
        window: The whole range; the windows of the queries tile it.
        queries: In the order in which they are fetched.
    """

    window: Window
    queries: tuple[Query, ...]

    @property
    def run_id(self) -> str:
        """A hash over the queries; equal plans have equal ids."""
        digests = "\n".join(query.digest for query in self.queries)
        return sha256(digests.encode()).hexdigest()[:16]

    @property
    def windows(self) -> list[tuple[Window, list[Query]]]:
        """The queries of each window, in time order."""
        by_window = groupby(self.queries, key=lambda query: query.window)
        return [(window, list(queries)) for window, queries in by_window]

    def to_json(self) -> dict[str, Any]:
        """Return the plan for a note of the store; each template is written once."""
        templates = dict.fromkeys(query.template for query in self.queries)
        places = {template: place for place, template in enumerate(templates)}
        return {
            "window": [self.window.start, self.window.end],
            "templates": [template.decode() for template in templates],
            "queries": [
                [q.endpoint, q.window.start, q.window.end, places[q.template], q.digest]
                for q in self.queries
            ],
        }

    @classmethod
    def from_json(cls, raw: Any) -> "Plan":
        """Return the plan that to_json wrote.

        Raises:
            msgspec.ValidationError: If the note has another shape.
            ValueError: If a window is not in UTC, or ends before it starts.
            IndexError: If a template is missing.
        """
        note = msgspec.convert(raw, _PlanNote)
        templates = [text.encode() for text in note.templates]
        queries = (
            Query(endpoint, Window(start, end), templates[place], digest)
            for endpoint, start, end, place, digest in note.queries
        )
        return cls(Window(*note.window), tuple(queries))


class _PlanNote(msgspec.Struct):
    window: tuple[datetime, datetime]
    templates: list[str]
    queries: list[tuple[str, datetime, datetime, _Place, _Digest]]


def make_plan(job: Job, scope: ResolvedScope, endpoint: PlannedEndpoint) -> Plan:
    """Return the fewest queries that the limits allow; none in a job without `query:`.

    Windows tile the range by the local calendar; queue lists are cut into batches.
    Longer windows need more batches, so each length is tried.

    Args:
        job: What to fetch.
        scope: The range, and the queues' ids.
        endpoint: Where the queries go.

    Raises:
        JobError: If `fetch.chunk` does not hold whole buckets, a request is too large,
            or the queues need several requests whose answers would overlap.
    """
    if job.lists_only:
        return Plan(scope.window, ())
    cut = utc_day_queries if endpoint.in_utc_days else fewest_queries
    windows, batches = cut(job, scope, endpoint)
    templates = {
        size: [endpoint.template(job.query, batch) for batch in of_size]
        for size, of_size in batches.items()
    }
    _check_bodies(job, list(templates.values()))
    hashed = {
        size: [(template, hash_template(template)) for template in of_size]
        for size, of_size in templates.items()
    }
    return Plan(
        scope.window,
        tuple(
            make_query(
                scope.identity,
                endpoint.name,
                window,
                template,
                endpoint.part_format,
                template_hash=template_hash,
            )
            for window, size in windows
            for template, template_hash in hashed[size]
        ),
    )


def _check_bodies(job: Job, templates: Sequence[Sequence[bytes]]) -> None:
    """Refuse requests that are too large, or whose answers would overlap.

    Args:
        job: What to fetch.
        templates: For each kind of window, those of its requests.
    """
    longest = max(len(template) for of_window in templates for template in of_window)
    size, limit = longest + INTERVAL_BYTES, job.fetch.limits.body_bytes
    per_window = max(map(len, templates))
    if size > limit:
        msg = f"query: a request would have {size} bytes; the service takes {limit}"
        raise JobError(msg, hint="shorten query.filter, or name fewer queues")
    is_by_queue = job.query.family is None or "queueId" in job.query.group_by
    if per_window > 1 and not is_by_queue:
        msg = (
            f"query.queues: these need {per_window} requests for each window, and "
            "their answers overlap unless grouped by queueId"
        )
        raise JobError(msg, hint="add queueId to query.group_by, or leave queues out")


def combine_run_ids(runs: Mapping[str, str]) -> str:
    """Return one id for the plans of several orgs, given their ids by org."""
    lines = "\n".join(f"{org} {runs[org]}" for org in sorted(runs))
    return sha256(lines.encode()).hexdigest()[:16]
