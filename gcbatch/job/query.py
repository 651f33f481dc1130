"""The section `query:` of a job file: what to fetch."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Final, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gcbatch import registry
from gcbatch.exporting import LocalPath
from gcbatch.genesys import (
    DETAILS,
    FAMILIES,
    USER_PREDICATES,
    VIEWS,
    Details,
    Family,
    FetchMode,
    Shape,
    column_name,
    details_named,
    family_named,
    kind_of,
    shape_named,
    snake,
)
from gcbatch.job.dates import check_date, resolve_range
from gcbatch.job.filters import Clause, DetailFilters, Filter, View, all_of, any_of
from gcbatch.job.section import (
    InvalidValueError,
    Section,
    Unique,
    literal_or_file,
    one_of,
)
from gcbatch.job.time_types import Granularity, TimeZone
from gcbatch.suggest import unknown
from gcbatch.windows import Window

__all__ = [
    "DEFAULT_ENDPOINT",
    "ENDPOINTS",
    "FIXED_ENDPOINTS",
    "MEDIA_TYPES",
    "NO_QUERY",
    "QuerySection",
    "QueueFile",
    "Queues",
]

DEFAULT_ENDPOINT: Final = FAMILIES[0].endpoint
FIXED_ENDPOINTS: Final = tuple(
    name.replace("_", "-") for name in registry.module_names(registry.ENDPOINTS)
)
"""Endpoints with fixed figures and groups, such as the shapes of tutorials."""

ENDPOINTS: Final = (
    *(f.endpoint for f in FAMILIES),
    *(f.jobs_endpoint for f in FAMILIES if f.has_jobs),
    *(name for details in DETAILS for name in details.modes),
    *FIXED_ENDPOINTS,
)
MEDIA_TYPES: Final = (
    "callback", "chat", "cobrowse", "email", "internalmessage", "message",
    "screenmonitoring", "screenshare", "unknown", "video", "voice",
)  # fmt: skip


class QueueFile(Section):
    """A file of queues.

    Args:
        file: Its path. Each line is a name or an id; blank lines and lines that begin
            with # are skipped.
    """

    file: LocalPath


def _family(info: ValidationInfo) -> Family | None:
    return family_named(info.data.get("endpoint", ""))


def _check_metric(metric: str, info: ValidationInfo) -> str:
    family = _family(info)
    if family and metric not in family.metrics:
        raise ValueError(unknown("metric", metric, family.metrics))
    return metric


def _check_dimension(dimension: str, info: ValidationInfo) -> str:
    family = _family(info)
    known: Collection[str] = (
        family.dimensions
        if family
        else shape_named(info.data.get("endpoint", "")).groups
    )
    if known and dimension not in known:
        raise ValueError(unknown("dimension", dimension, known))
    return dimension


def _check_endpoint(endpoint: str) -> str:
    if endpoint in FIXED_ENDPOINTS:
        return endpoint
    if found := details_named(endpoint):
        details, mode = found
        return details.in_mode(mode)
    family = family_named(endpoint)
    if family is None or (endpoint.endswith("-jobs") and not family.has_jobs):
        raise ValueError(unknown("endpoint", endpoint, ENDPOINTS))
    return family.jobs_endpoint if endpoint.endswith("-jobs") else family.endpoint


def _columns_of(family: Family) -> Iterator[str]:
    """Yield all possible columns of a family's metrics and dimensions."""
    yield from map(snake, family.dimensions)
    for metric in family.metrics:
        yield snake(metric)
        yield from (column_name(metric, s) for s in kind_of(metric).statistics)


def _check_detail_filters(
    given: Filter | DetailFilters, found: tuple[Details, FetchMode] | None
) -> None:
    if found is None:
        msg = "only details take lists of filters; give one, with type and predicates"
        raise ValueError(msg)
    details, _ = found
    if isinstance(given, Filter):
        msg = f"{details.name} takes lists of filters: {', '.join(details.filters)}"
        raise ValueError(msg)  # noqa: TRY004 - pydantic reports only ValueErrors
    for kind, filters in given.by_kind().items():
        if kind not in details.filters:
            raise ValueError(unknown("filter", kind, details.filters))
        for number, one in enumerate(filters):
            for wrong in one.unknown_dimensions(details.filters[kind]):
                msg = f"{kind}[{number}].{wrong}"
                raise ValueError(msg)


Queues = Annotated[
    Annotated[tuple[str, ...], Field(min_length=1), Unique, Tag("given")]
    | Annotated[QueueFile, Tag("file")],
    Discriminator(literal_or_file),
]
Metric = Annotated[str, AfterValidator(_check_metric)]
Dimension = Annotated[str, AfterValidator(_check_dimension)]


def _whole_or_by_kind(value: object) -> str:
    """Return `whole` for one filter, `by kind` for lists of filters."""
    if isinstance(value, DetailFilters):
        return "by kind"
    by_kind = isinstance(value, dict) and any(
        isinstance(key, str) and key.endswith("Filters") for key in value
    )
    return "by kind" if by_kind else "whole"


class QuerySection(Section):
    """The `query:` section: what to fetch.

    Args:
        endpoint: The source: aggregates, details, or a tutorial's shape.
        start: A date (local midnight), an instant, `today`, `yesterday`, `today-7d`,
            `today-1mo` or `now-24h`.
        end: The end, in the same forms; exclusive.
        timezone: IANA name of the zone of days, weeks and months.
        granularity: Length of a bucket: `PT15M`, `PT30M`, `PT1H`, `P1D`, `P1W` (from
            Monday), `P1M` … Default: one bucket per window; `PT1H` with `sla`.
        group_by: Dimensions of the family. Default: `[queueId]`; `[userId]` in a
            family without queues.
        metrics: Metrics of the family. Default: required unless `sla` implies them.
        views: Metrics that you define.
        queues: Names or ids, or `{file: queues.txt}`. Default: all.
        media_types: Media types to fetch. Default: all.
        filter: A filter in the API's shape, in addition to queues and media types.
    """

    endpoint: Annotated[str, AfterValidator(_check_endpoint)] = DEFAULT_ENDPOINT
    start: Annotated[str, AfterValidator(check_date), Field(alias="from")]
    end: Annotated[str, AfterValidator(check_date), Field(alias="to")]
    timezone: TimeZone = "UTC"
    granularity: Granularity | None = None
    group_by: Annotated[tuple[Dimension, ...], Unique] = ()
    metrics: Annotated[tuple[Metric, ...], Unique] = ()
    views: Annotated[tuple[View, ...], Field(max_length=VIEWS)] = ()
    queues: Queues | None = None
    media_types: (
        Annotated[
            tuple[Annotated[str, one_of("media type", MEDIA_TYPES)], ...],
            Field(min_length=1),
            Unique,
        ]
        | None
    ) = None
    filter: (
        Annotated[
            Annotated[Filter, Tag("whole")] | Annotated[DetailFilters, Tag("by kind")],
            Discriminator(_whole_or_by_kind),
        ]
        | None
    ) = None

    @model_validator(mode="before")
    @classmethod
    def _default_group_by(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        family = family_named(str(data.get("endpoint", DEFAULT_ENDPOINT)))
        if family and data.get("group_by") is None:
            usual = [d for d in ("queueId", "userId") if d in family.dimensions]
            data["group_by"] = usual[:1]
        shape = shape_named(str(data.get("endpoint")))
        if shape.groups and data.get("group_by") is None:
            data["group_by"] = ["queueId"]
        if data.get("filter") == {}:
            del data["filter"]
        return data

    @field_validator("views")
    @classmethod
    def _check_views(cls, views: tuple[View, ...], info: ValidationInfo) -> Any:
        family = _family(info)
        names = [snake(view.name) for view in views]
        taken = set(_columns_of(family)) if family else set()
        for view in views:
            if family and view.target not in family.metrics:
                raise ValueError(unknown("metric", view.target, family.metrics))
            columns = {
                column_name(view.name, s) for s in kind_of(view.target).statistics
            }
            columns.add(snake(view.name))  # a metric's name is refused too
            if columns & taken or names.count(snake(view.name)) > 1:
                msg = f"view {view.name!r} would have columns that exist already"
                raise ValueError(msg)
        return views

    @field_validator("filter")
    @classmethod
    def _check_filter(
        cls, value: Filter | DetailFilters | None, info: ValidationInfo
    ) -> Any:
        found = details_named(info.data.get("endpoint", ""))
        if isinstance(value, DetailFilters) or (value and found):
            _check_detail_filters(value, found)
            return value
        family = _family(info)
        if value is None or family is None:
            return value
        if wrong := list(value.unknown_dimensions(family.dimensions)):
            raise ValueError("; ".join(wrong))
        users = len(value.predicates) + sum(len(c.predicates) for c in value.clauses)
        if family.qualified and users > USER_PREDICATES:
            limit = f"{family.endpoint} takes at most {USER_PREDICATES}"
            msg = f"has {users} users; {limit}"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        if self.family is not None and not self.metrics:
            msg = "is required; name at least one"
            raise InvalidValueError(("metrics",), msg)
        self.check()
        return self

    def check(self) -> None:
        """Refuse keys that the endpoint does not take.

        Raises:
            InvalidValueError: Names the key.
        """
        if self.details is not None:
            by_queue = () if self.details[0].by_queue else ("queues", "media_types")
            keys = ("metrics", "group_by", "views", "granularity", *by_queue)
            self._refuse(keys, "rows and columns")
            return
        if self.family is None:
            self._check_fixed()
            return
        if self.is_absent and self.queues:
            msg = "the job has no section `query:`, so it fetches nothing by queue"
            raise InvalidValueError(("queues",), msg)
        for key, dimension in (("queues", "queueId"), ("media_types", "mediaType")):
            if getattr(self, key) and dimension not in self.family.dimensions:
                msg = f"{self.endpoint} has no {dimension} to filter by"
                raise InvalidValueError((key,), msg)
        queues = [any_of("queueId", ["-"])] if self.queues else self.media_clauses
        all_of(queues, self.aggregate_filter)

    def _refuse(self, keys: Iterable[str], fixed: str) -> None:
        """Refuse the first of *keys* that is given; the endpoint has *fixed* ones."""
        for key in keys:
            if getattr(self, key):
                msg = f"{self.endpoint} has fixed {fixed}; remove the key"
                raise InvalidValueError((key,), msg)

    def _check_fixed(self) -> None:
        """Refuse keys that a tutorial's shape does not take."""
        keys = ["metrics", "views", "filter"]
        keys += [] if self.shape.groups else ["group_by"]
        keys += [] if self.shape.by_media else ["media_types"]
        self._refuse(keys, "figures and groups")
        if self.shape.groups and "queueId" not in self.group_by:
            msg = f"{self.endpoint} is fetched queue by queue; add queueId"
            raise InvalidValueError(("group_by",), msg)

    @property
    def is_absent(self) -> bool:
        """Whether it stands for a section that the job file does not have."""
        return self.family is not None and not self.metrics

    @cached_property
    def family(self) -> Family | None:
        """The family of aggregates; None for details and tutorials' shapes."""
        return family_named(self.endpoint)

    @property
    def shape(self) -> Shape:
        """The keys that an endpoint with fixed figures takes."""
        return shape_named(self.endpoint)

    @cached_property
    def details(self) -> tuple[Details, FetchMode] | None:
        """The kind of details and the mode; None for any other endpoint."""
        return details_named(self.endpoint)

    @property
    def aggregate_filter(self) -> Filter | None:
        """The filter of a query for aggregates."""
        return self.filter if isinstance(self.filter, Filter) else None

    @property
    def detail_filters(self) -> DetailFilters:
        """The filters of a query for details."""
        given = self.filter
        return given if isinstance(given, DetailFilters) else DetailFilters()

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as an object."""
        return ZoneInfo(self.timezone)

    def window(self, now: datetime, ends: tuple[str, str] | None = None) -> Window:
        """Return the range as instants, on bucket edges; see resolve_range.

        Args:
            now: The instant from which relative dates count.
            ends: Other values of `from` and `to`. Default: its own.

        Raises:
            ValueError, OverflowError: If the ends give no range.
        """
        start, end = ends or (self.start, self.end)
        return resolve_range(
            start, end, granularity=self.granularity, zone=self.zone, now=now
        )

    @property
    def media_clauses(self) -> list[Clause]:
        """The filter's clauses for `media_types`."""
        return [any_of("mediaType", self.media_types)] if self.media_types else []


NO_QUERY: Final = QuerySection.model_construct(start="today", end="today+1d")
"""Stands for the section in a job that has none: a family without metrics, so nothing
to ask. Its range is the day of the run, which is what listed tables are about."""
