"""The job file as frozen models, every default filled in."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from gcbatch import registry as shelves
from gcbatch.exporting import LocalPath
from gcbatch.genesys import (
    BODY_BYTES,
    DETAIL_RESULTS,
    EXPECTED_BUCKETS,
    JOBS_IN_FLIGHT,
    MAX_DAYS_DAILY,
    MAX_DAYS_DETAILS,
    MAX_DAYS_DETAILS_FILTERED,
    MAX_DAYS_SUBDAY,
    REQUESTS_PER_MINUTE,
    Family,
    FetchMode,
    details_named,
    family_named,
)
from gcbatch.org import Org
from gcbatch.question import DEFAULT_ENDPOINT, Query, Queues, TimeZone
from gcbatch.sections import (
    Duration,
    MisfitError,
    Section,
    Unique,
    one_of,
    schema_of_period,
)
from gcbatch.store import SETTLE
from gcbatch.suggest import unknown
from gcbatch.windows import ONE_DAY, Period, as_period, as_period_or_none

__all__ = [
    "ENGINES",
    "LISTED",
    "PERIODS",
    "SLA_METRICS",
    "Engine",
    "Export",
    "Fetch",
    "Job",
    "Limits",
    "OrgShare",
    "Sla",
]

PERIODS: Final = ("interval", "hour", "day", "week", "month", "total")
SLA_METRICS: Final = ("nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel")
"""What the table `sla` is computed from."""

SLA_GROUPS: Final = ("queueId", "mediaType", "divisionId")
"""Dimensions of which a conversation has one in a queue. Of others (wrap-up codes,
skills) it may have several, and would count several times."""

LISTED: Final = shelves.module_names(shelves.LISTED)
"""Tables of what ids stand for, which every job can export."""

SECONDS_OF_AN_HOUR: Final = 3600


LARGEST: Final = 10**9
"""Of a number in a job file; beyond it nothing is bounded any more."""

NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Of a job or an org: a folder's name on every system."""

RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE
)
"""Names that Windows takes for devices, whatever follows a dot.

Source: Naming Files, Paths, and Namespaces, learn.microsoft.com, read 2026-11.
"""


def _check_name(name: str) -> str:
    if RESERVED.fullmatch(name):
        msg = f"{name} is a device on Windows, and no name of a folder"
        raise ValueError(msg)
    if name.endswith("."):
        msg = f"{name} ends with a dot, which Windows drops from a folder's name"
        raise ValueError(msg)
    return name


Name = Annotated[str, Field(pattern=NAME), AfterValidator(_check_name)]

ENGINES: Final = ("local", "dask")


class Limits(Section):
    """What the service allows, where its figures are uncertain: `fetch.limits`.

    Args:
        max_days_subday: Longest window with buckets below a day.
        max_days_daily: Longest window with buckets of a day or more.
        expected_buckets: Most results, buckets times groups, to ask for at once.
        body_bytes: Largest body of a request.
        max_days_details: Longest window of details without filters.
        max_days_details_filtered: Longest window of details with filters.
        detail_results: Rows that paging reaches.
        jobs_in_flight: Jobs of the service under way at once.
    """

    max_days_subday: Annotated[int, Field(ge=1, le=3660)] = MAX_DAYS_SUBDAY
    max_days_daily: Annotated[int, Field(ge=1, le=3660)] = MAX_DAYS_DAILY
    expected_buckets: Annotated[int, Field(ge=1, le=LARGEST)] = EXPECTED_BUCKETS
    body_bytes: Annotated[int, Field(ge=2_000, le=LARGEST)] = BODY_BYTES
    max_days_details: Annotated[int, Field(ge=1, le=3660)] = MAX_DAYS_DETAILS
    max_days_details_filtered: Annotated[int, Field(ge=1, le=3660)] = (
        MAX_DAYS_DETAILS_FILTERED
    )
    detail_results: Annotated[int, Field(ge=100, le=LARGEST)] = DETAIL_RESULTS
    jobs_in_flight: Annotated[int, Field(ge=1, le=256)] = JOBS_IN_FLIGHT


class Fetch(Section):
    """How to pull: the `fetch:` section.

    Args:
        chunk: Longest window of one query; `auto` is the longest that the limits
            allow.
        concurrency: Queries in flight; each counts until its part is stored.
        requests_per_minute: A ceiling; the service's own word counts below it.
        reserve: Percent of the quota left to other users of the client.
        settle: Parts fetched sooner after the end of their window are provisional:
            the next run fetches them again. `PT0S` is never.
        names_max_age: Names and targets, and what is exported of queues, users and
            wrap-up codes, are listed again once they are older, also by a run that
            has nothing else to ask. `PT0S` is each run.
        store: Folder of the parts.
        timeout: Longest time that one request may take.
        give_up: How long an address that cannot be reached is tried.
        job_wait: How long one run waits for a job of the service.
        road: How aggregates are asked for: `query`, by `jobs` of the service, or
            `auto`, by job where asking in pieces takes more requests.
        max_response_bytes: A longer answer is cut off and refused.
        limits: What the service allows, where its figures are uncertain. Default:
            each key's own.
    """

    chunk: Literal["auto"] | Duration = "auto"
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    requests_per_minute: Annotated[int, Field(ge=1, le=LARGEST)] = REQUESTS_PER_MINUTE
    reserve: Annotated[float, Field(ge=0, lt=100)] = 0
    settle: Annotated[Period, Field(json_schema_extra=schema_of_period)] = SETTLE
    names_max_age: Annotated[Period, Field(json_schema_extra=schema_of_period)] = (
        ONE_DAY
    )
    store: LocalPath = Path(".gcbatch")
    timeout: Duration = Period.parse("PT2M")
    give_up: Duration = Period.parse("PT30S")
    job_wait: Duration = Period.parse("PT4H")
    road: FetchMode = FetchMode.QUERY
    max_response_bytes: Annotated[int, Field(ge=1024, le=2**40)] = 256 * 1024 * 1024
    limits: Limits = Limits()

    @field_validator("chunk", mode="before")
    @classmethod
    def _read_chunk(cls, value: object) -> object:
        return value if value == "auto" else as_period(value)

    @field_validator("settle", "names_max_age", mode="before")
    @classmethod
    def _read_none_or_more(cls, value: object) -> object:
        return as_period_or_none(value)


class Sla(Section):
    """Targets and periods of the table `sla`.

    Args:
        period: What a row is about, in the job's time zone: weeks begin on Monday,
            and the ends are clipped to the range.
        target: Service level to reach, in percent, for all queues. Default: each
            queue's own in Genesys.
        targets: For single queues, by name or id: `{Support: 90}`. One that no queue
            of the run has is a warning.
        include_deleted: Whether queues that are no longer listed have rows; `false`
            needs `queueId` in `query.group_by`.
    """

    period: Annotated[str, one_of("period", PERIODS)] = "day"
    target: Annotated[float, Field(ge=0, le=100)] | None = None
    targets: dict[str, Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=dict
    )
    include_deleted: bool = True


class Engine(Section):
    """Who fetches: the `engine:` section.

    Args:
        name: `local` is this process, `dask` a cluster's workers.
        scheduler: Address of a standing cluster, such as
            `tls://scheduler.example:8786`.
        workers: Instead of a scheduler: how many processes of this machine, started
            for the run. Default: one for each core.
    """

    name: Annotated[str, one_of("engine", ENGINES)] = "local"
    scheduler: Annotated[str, Field(pattern=r"^(tcp|tls)://[^/ ]+:\d+$")] | None = None
    workers: Annotated[int, Field(ge=1, le=1024)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_name(cls, data: Any) -> Any:
        return {"name": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.name == "local" and (self.scheduler or self.workers):
            msg = "scheduler and workers are of the engine dask"
            raise ValueError(msg)
        if self.scheduler and self.workers:
            msg = "a standing cluster has its own workers; leave workers out"
            raise ValueError(msg)
        return self


class OrgShare(Org):
    """One of several orgs: where it is, and what of the job is its own.

    Args:
        queues: Its own. Default: `query.queues`.
        timezone: Its own. Tables of orgs whose zones differ have no days in common:
            they cannot be partitioned by day or month, nor made a report. Default:
            `query.timezone`.
        requests_per_minute: Its own. Default: `fetch.requests_per_minute`.
        reserve: Its own. Default: `fetch.reserve`.
    """

    queues: Queues | None = None
    timezone: TimeZone | None = None
    requests_per_minute: Annotated[int, Field(ge=1, le=LARGEST)] | None = None
    reserve: Annotated[float, Field(ge=0, lt=100)] | None = None


class Export(Section):
    """One export; the keys not named here are the exporter's own options.

    Args:
        exporter: Its name; `gcbatch exporters` lists what is installed. Or where it is,
            `module:Class`, for one that is in no package.
        table: What to export.
        tables: Instead of one table several, for an exporter that takes them.
        period: For the table `sla`, another period than the job's. Default:
            `sla.period`.
    """

    model_config = ConfigDict(extra="allow")

    exporter: str
    table: str | None = None
    tables: Annotated[tuple[str, ...], Field(min_length=1), Unique] | None = None
    period: Annotated[str, one_of("period", PERIODS)] | None = None

    @model_validator(mode="after")
    def _names_tables(self) -> Self:
        if (self.table is None) == (self.tables is None):
            msg = "name what to export: either table or tables"
            raise ValueError(msg)
        return self

    @property
    def table_names(self) -> tuple[str, ...]:
        """The tables, one or several."""
        return self.tables or (self.table or "",)

    @property
    def options(self) -> dict[str, Any]:
        """The exporter's own options, as written."""
        return dict(self.model_extra or {})


class Job(Section):
    """A job file, parsed and frozen.

    Args:
        name: Of the run and its folder in the store: letters, digits, dots, hyphens
            and underscores, at most 64.
        org: Whom to ask.
        orgs: Instead of one org several, by the name that their rows bear.
        engine: Who fetches; its name alone will do. Default: `local`.
        query: What to ask.
        fetch: How to pull. Default: each key's own.
        sla: Targets and periods of the table `sla`.
        exports: Where it goes.
    """

    name: Name
    org: Org | None = None
    orgs: Annotated[dict[Name, OrgShare], Field(min_length=1)] | None = None
    engine: Engine = Engine()
    query: Query
    fetch: Fetch = Fetch()
    sla: Sla | None = None
    exports: tuple[Export, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _imply(cls, data: Any) -> Any:
        """Fill in what `sla:` implies: its metrics, and hours as granularity."""
        if not (isinstance(data, dict) and isinstance(data.get("query"), dict)):
            return data
        if data.get("sla") is None:
            return data
        query = dict(data["query"])
        family = family_named(str(query.get("endpoint", DEFAULT_ENDPOINT)))
        if family is not None:
            implied = [str(m) for m in SLA_METRICS if m in family.metrics]
            # A family without them is refused by _check_sla, which says why.
            query.setdefault("metrics", implied or list(family.metrics[:1]))
        if details_named(str(query.get("endpoint"))) is None:
            query.setdefault("granularity", "PT1H")
        return {**data, "query": query}

    @model_validator(mode="after")
    def _check_sla(self) -> Self:
        """Refuse what the table `sla` could not be computed from."""
        query = self.query
        if self.sla is None:
            return self
        if query.details is not None:
            msg = f"{query.endpoint} has no buckets, which sla is computed from"
            raise MisfitError(("query", "endpoint"), msg)
        length = query.granularity
        if length is None or length.typical_s > ONE_DAY.typical_s:
            told = query.granularity or "one bucket per window"
            msg = (
                f"{told} would merge days on the server, which no period can be cut "
                "out of again; in a job with sla use P1D or less"
            )
            raise MisfitError(("query", "granularity"), msg)
        if misfit := self.misfit_of_period(self.sla.period):
            raise MisfitError(("sla", "period"), misfit)
        if query.family is not None:
            self._check_sla_of(query.family, self.sla)
        if several := [d for d in query.group_by if d not in SLA_GROUPS]:
            msg = (
                f"by {', '.join(several)} a conversation would count more than once in "
                f"sla; group by {', '.join(SLA_GROUPS)} alone"
            )
            raise MisfitError(("query", "group_by"), msg)
        return self

    def _check_sla_of(self, family: Family, sla: Sla) -> None:
        """Refuse aggregates that the table `sla` could not be computed from."""
        query = self.query
        if lacking := [m for m in SLA_METRICS if m not in family.metrics]:
            msg = f"{query.endpoint} has no {lacking[0]}, which sla is computed from"
            raise MisfitError(("query", "endpoint"), msg)
        if lacking := [m for m in SLA_METRICS if m not in query.metrics]:
            msg = f"the table sla needs {', '.join(lacking)} too"
            raise MisfitError(("query", "metrics"), msg)
        if not sla.include_deleted and "queueId" not in query.group_by:
            msg = "false needs queues to be told apart; add queueId to query.group_by"
            raise MisfitError(("sla", "include_deleted"), msg)

    def misfit_of_period(self, period: str) -> str | None:
        """Say why the table `sla` cannot be cut by *period*; None if it can.

        A bucket must lie within one period: a day's numbers are no hour's.
        """
        length = self.query.granularity
        if period != "hour" or length is None:
            return None
        if length.is_clock and not SECONDS_OF_AN_HOUR % length.seconds:
            return None
        return f"buckets of {length} do not fit into an hour; use PT1H or less"

    _org_name: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _check_orgs(self) -> Self:
        """Ask for one org, or for several."""
        if (self.org is None) == (self.orgs is None):
            msg = "say whom to ask: either org or orgs"
            raise MisfitError(("org",), msg)
        seen: dict[str, str] = {}
        for name in self.orgs or {}:
            if (other := seen.setdefault(name.lower(), name)) != name:
                msg = f"differs from {other} by case only; some systems' folders do not"
                raise MisfitError(("orgs", name), msg)
        for share in self.shares():
            try:
                share.query.check()
            except MisfitError as exc:
                # The job's own query is good: what misfits is the org's.
                raise MisfitError(
                    ("orgs", share.org_name, *exc.place), str(exc)
                ) from exc
        return self

    @property
    def own_org(self) -> Org:
        """The one org that is asked.

        Raises:
            ValueError: If there are several; see shares.
        """
        if self.org is None:
            msg = "a job of several orgs has no one org"
            raise ValueError(msg)
        return self.org

    @property
    def all_orgs(self) -> tuple[Org, ...]:
        """Every org that is asked."""
        return (self.org,) if self.org else tuple((self.orgs or {}).values())

    @property
    def org_name(self) -> str:
        """Which of several orgs this share of a job is about; else empty."""
        return self._org_name

    @property
    def store_name(self) -> str:
        """Its folder in the store; no job's name has an @."""
        return f"{self.name}@{self._org_name}" if self._org_name else self.name

    def shares(self) -> "tuple[Job, ...]":
        """Return a job for each org, in the order of their names; itself for one."""
        if self.orgs is None:
            return (self,)
        return tuple(self._share(name, self.orgs[name]) for name in sorted(self.orgs))

    def _share(self, name: str, org: OrgShare) -> "Job":
        own = {"queues": org.queues, "timezone": org.timezone}
        pull = {
            "requests_per_minute": org.requests_per_minute,
            "reserve": org.reserve,
        }
        share = self.model_copy(
            update={
                "org": org,
                "orgs": None,
                "query": self.query.model_copy(update=_given(own)),
                "fetch": self.fetch.model_copy(update=_given(pull)),
            }
        )
        share._org_name = name  # noqa: SLF001 - of a copy of its own
        return share

    @model_validator(mode="after")
    def _check_road(self) -> Self:
        """Refuse a road that what is asked does not have."""
        query, road = self.query, self.fetch.road
        if road is FetchMode.QUERY or (query.family and query.family.has_jobs):
            return self
        msg = f"{query.endpoint} has no jobs; leave it out"
        if query.details:
            details, _ = query.details
            names = ", ".join(details.roads)
            msg = f"details say their road by the endpoint's name: {names}"
        raise MisfitError(("fetch", "road"), msg)

    @property
    def _shelf(self) -> str:
        """Where the tables of what this job asks are."""
        details = self.query.details
        return shelves.tables_for(details[0].tables if details else "buckets")

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables of what this job asks."""
        names = shelves.module_names(self._shelf)
        return tuple(name for name in names if name != "sla" or self.sla)

    def shelf_of(self, table: str) -> str:
        """Return where a table is that this job can export."""
        return shelves.LISTED if table in LISTED else self._shelf

    @property
    def exportable(self) -> tuple[str, ...]:
        """The names of all tables that this job can export."""
        return (*self.tables, *LISTED)

    @property
    def listed(self) -> tuple[str, ...]:
        """Which of LISTED its exports name."""
        named = {name for export in self.exports for name in export.table_names}
        return tuple(name for name in LISTED if name in named)

    @model_validator(mode="after")
    def _check_tables(self) -> Self:
        for number, export in enumerate(self.exports):
            place = ("exports", number)
            key = "tables" if export.tables else "table"
            for name in export.table_names:
                if name == "sla" and self.sla is None:
                    msg = "the table sla needs a section `sla:`, be it empty: `sla: {}`"
                    raise MisfitError((*place, key), msg)
                if name not in self.exportable:
                    said = unknown("table", name, self.exportable)
                    raise MisfitError((*place, key), said)
            if export.period and "sla" not in export.table_names:
                msg = "a period is of the table sla, and of no other"
                raise MisfitError((*place, "period"), msg)
            if misfit := self.misfit_of_period(export.period or ""):
                raise MisfitError((*place, "period"), misfit)
        return self


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
