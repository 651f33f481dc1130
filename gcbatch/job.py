"""The job file as frozen models, every default filled in."""

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    SecretStr,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from gcbatch.dates import check_date
from gcbatch.filters import Clause, Filter, View, all_of, any_of
from gcbatch.genesys import limits
from gcbatch.genesys.families import FAMILIES, Family, family_named
from gcbatch.genesys.metrics import snake
from gcbatch.genesys.regions import REGIONS, Hosts, hosts_of_domain, is_loopback
from gcbatch.suggest import unknown
from gcbatch.windows import ONE_DAY, Period

__all__ = [
    "MEDIA_TYPES",
    "PERIODS",
    "SLA_METRICS",
    "Export",
    "Fetch",
    "Job",
    "Limits",
    "MisfitError",
    "Org",
    "Query",
    "QueueFile",
    "SecretFile",
    "Sla",
]

DEFAULT_ENDPOINT: Final = FAMILIES[0].endpoint
TUTORIAL_ENDPOINTS: Final = ("interval-report", "queue-summary")
"""Shapes that tutorials tell of; their figures and groups are fixed."""

ENDPOINTS: Final = (*(f.endpoint for f in FAMILIES), *TUTORIAL_ENDPOINTS)
MEDIA_TYPES: Final = (
    "callback", "chat", "cobrowse", "email", "internalmessage", "message",
    "screenmonitoring", "screenshare", "unknown", "video", "voice",
)  # fmt: skip
PERIODS: Final = ("interval", "hour", "day", "week", "month", "total")
SLA_METRICS: Final = ("nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel")
"""What the table `sla` is computed from."""

SLA_GROUPS: Final = ("queueId", "mediaType", "divisionId")
"""Dimensions of which a conversation has one in a queue. Of others (wrap-up codes,
skills) it may have several, and would count several times."""

MINUTES_OF_A_DAY: Final = 1440
LONGEST: Final = Period.parse("P10Y")
"""Of any span in a job file; calendars end not far beyond."""


class Section(BaseModel):
    """Base of all sections: frozen, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class MisfitError(ValueError):
    """A value that does not fit with the others.

    Args:
        place: Of the value, below the section that was checked.
        message: What is wrong.
    """

    def __init__(self, place: tuple[str | int, ...], message: str) -> None:
        super().__init__(message)
        self.place = place


def one_of(what: str, choices: Iterable[str]) -> AfterValidator:
    """Accept one of *choices*; refuse others with the nearest one."""
    known = tuple(choices)

    def check(value: str) -> str:
        if value not in known:
            raise ValueError(unknown(what, value, known))
        return value

    return AfterValidator(check)


def _as_period(value: object) -> Period:
    if isinstance(value, Period):
        return value
    period = Period.parse(value if isinstance(value, str) else repr(value))
    if period.typical_s > LONGEST.typical_s:
        msg = f"{period} is longer than {LONGEST}"
        raise ValueError(msg)
    return period


def _schema_of_period(schema: dict[str, Any]) -> None:
    schema.clear()
    schema.update(type="string", pattern="^P", examples=["PT15M", "PT1H", "P1D"])


Duration = Annotated[
    Period, BeforeValidator(_as_period), Field(json_schema_extra=_schema_of_period)
]


def _is_text(value: object) -> str:
    return "given" if isinstance(value, (str, SecretStr, list, tuple)) else "file"


class SecretFile(Section):
    """A file that holds a secret, such as /run/secrets/genesys."""

    file: Path


class QueueFile(Section):
    """A file of queues, a name or an id a line; blank lines and # lines are skipped."""

    file: Path


class TokenRequest(Section):
    """How a token is asked for, where it is not the service itself that grants it.

    Args:
        path: On the login host.
        style: `basic` sends the credentials as Basic auth with a form, as the service
            wants it; `json` sends them in a JSON body, as a tutorial tells it.
    """

    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/_.-]+$")] = "/oauth/token"
    style: Literal["basic", "json"] = "basic"


class Org(Section):
    """Whose Genesys Cloud it is, and how to sign in.

    Args:
        name: Tells orgs apart in the store where two share a client id.
        region: One of the 18 regions; or
        domain: the domain of a newer one; or
        api_url, login_url: both addresses; plain http on loopback only; or
        simulator: the simulator that comes with gcbatch, started for the run.
        token: How a token is asked for.
        client_id, client_secret: Of an OAuth client with the client credentials
            grant. Not needed with the simulator.
    """

    name: str | None = None
    region: Annotated[str, one_of("region", REGIONS)] | None = None
    domain: Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")] | None = None
    api_url: str | None = None
    login_url: str | None = None
    simulator: bool = False
    token: TokenRequest = TokenRequest()
    client_id: Annotated[str, Field(min_length=1)] | None = None
    client_secret: (
        Annotated[
            Annotated[SecretStr, Tag("given")] | Annotated[SecretFile, Tag("file")],
            Discriminator(_is_text),
        ]
        | None
    ) = None

    @field_validator("api_url", "login_url")
    @classmethod
    def _is_https(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            msg = f"{url!r} is no address such as https://api.mypurecloud.ie"
            raise ValueError(msg)
        if parts.username or parts.password or parts.query or parts.fragment:
            msg = "an address has no user, password, query or fragment"
            raise ValueError(msg)
        if parts.scheme == "http" and not is_loopback(url):
            msg = f"{url!r} would send the secret in the clear; use https"
            raise ValueError(msg)
        return url.rstrip("/")

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        ways = {
            "region": self.region is not None,
            "domain": self.domain is not None,
            "api_url and login_url": self.api_url is not None
            or self.login_url is not None,
            "simulator": self.simulator,
        }
        said = [way for way, given in ways.items() if given]
        if len(said) != 1:
            what = f"{' and '.join(said)} are given" if said else "none is given"
            msg = f"say where the org is by one of {', '.join(ways)}; {what}"
            raise ValueError(msg)
        if (self.api_url is None) != (self.login_url is None):
            msg = "api_url and login_url go together"
            raise ValueError(msg)
        lacks = [n for n in ("client_id", "client_secret") if getattr(self, n) is None]
        if lacks and not self.simulator:
            msg = f"{' and '.join(lacks)} missing; write for example {_EXAMPLE}"
            raise ValueError(msg)
        return self

    @property
    def hosts(self) -> Hosts | None:
        """The org's two addresses; None for the simulator, which has none yet."""
        if self.region:
            return hosts_of_domain(REGIONS[self.region])
        if self.domain:
            return hosts_of_domain(self.domain)
        if self.api_url and self.login_url:
            return Hosts(self.api_url, self.login_url)
        return None


_EXAMPLE: Final = "client_secret: ${GENESYS_CLIENT_SECRET}"


def _family(info: ValidationInfo) -> Family | None:
    return family_named(info.data.get("endpoint", ""))


def _check_metric(metric: str, info: ValidationInfo) -> str:
    family = _family(info)
    if family and metric not in family.metrics:
        raise ValueError(unknown("metric", metric, family.metrics))
    return metric


def _check_dimension(dimension: str, info: ValidationInfo) -> str:
    family = _family(info)
    if family and dimension not in family.dimensions:
        raise ValueError(unknown("dimension", dimension, family.dimensions))
    return dimension


def _check_endpoint(endpoint: str) -> str:
    if endpoint in TUTORIAL_ENDPOINTS:
        return endpoint
    family = family_named(endpoint)
    if family is None:
        raise ValueError(unknown("endpoint", endpoint, ENDPOINTS))
    return family.endpoint


def _check_zone(name: str) -> str:
    zones = available_timezones()
    if name not in zones:
        msg = unknown("time zone", name, sorted(zones)) + "; use an IANA name"
        raise ValueError(msg)
    return name


def _check_unique(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = {v for v in values if values.count(v) > 1}
    if twice:
        msg = f"named more than once: {', '.join(sorted(twice))}"
        raise ValueError(msg)
    return values


Metric = Annotated[str, AfterValidator(_check_metric)]
Dimension = Annotated[str, AfterValidator(_check_dimension)]
Unique = AfterValidator(_check_unique)


def _refuse_no_time(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"P(?:T?0[YMWDHS])+", value):
        msg = (
            f"{value} would merge the whole range into one bucket on the server; "
            "use PT1H or the like, or leave it out for one bucket per window"
        )
        raise ValueError(msg)
    return value


def _check_granularity(period: Period) -> Period:
    if not period.is_clock:
        if period.seconds or (period.months and period.days):
            msg = f"{period} mixes units; use one, such as PT30M, P1D, P1W or P1M"
            raise ValueError(msg)
        return period
    minutes, rest = divmod(period.seconds, 60)
    if rest or MINUTES_OF_A_DAY % minutes:
        msg = f"{period} does not divide a day evenly; use PT15M, PT30M, PT1H …"
        raise ValueError(msg)
    return period


class Query(Section):
    """What to ask: the `query:` section.

    Args:
        endpoint: X-aggregates for one of the 19 families, or a tutorial's shape.
        start, end: The range (`from` and `to`); the end is exclusive.
        timezone: IANA name; days, weeks and months are this zone's.
        granularity: Length of a bucket; None is one bucket per window.
        group_by: Dimensions to group by.
        metrics: Names of metrics; none for the tutorials' shapes, which have theirs.
        views: Metrics of your own, in the API's shape.
        queues: Names or ids, or a file of them; None is all.
        media_types: None is all.
        filter: In the API's shape; and-ed with queues and media_types.
    """

    endpoint: Annotated[str, AfterValidator(_check_endpoint)] = DEFAULT_ENDPOINT
    timezone: Annotated[str, AfterValidator(_check_zone)] = "UTC"
    granularity: (
        Annotated[
            Duration,
            BeforeValidator(_refuse_no_time),
            AfterValidator(_check_granularity),
        ]
        | None
    ) = None
    start: Annotated[str, AfterValidator(check_date), Field(alias="from")]
    end: Annotated[str, AfterValidator(check_date), Field(alias="to")]
    group_by: Annotated[tuple[Dimension, ...], Unique] = ()
    metrics: Annotated[tuple[Metric, ...], Unique] = ()
    views: Annotated[tuple[View, ...], Field(max_length=limits.VIEWS)] = ()
    queues: (
        Annotated[
            Annotated[tuple[str, ...], Field(min_length=1), Unique, Tag("given")]
            | Annotated[QueueFile, Tag("file")],
            Discriminator(_is_text),
        ]
        | None
    ) = None
    media_types: (
        Annotated[
            tuple[Annotated[str, one_of("media type", MEDIA_TYPES)], ...],
            Unique,
            Field(min_length=1),
        ]
        | None
    ) = None
    filter: Filter | None = None

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
        if data.get("filter") == {}:
            del data["filter"]
        return data

    @field_validator("views")
    @classmethod
    def _check_views(cls, views: tuple[View, ...], info: ValidationInfo) -> Any:
        family = _family(info)
        names = [snake(view.name) for view in views]
        taken = {snake(m) for m in family.metrics} if family else set()
        for view in views:
            if family and view.target not in family.metrics:
                raise ValueError(unknown("metric", view.target, family.metrics))
            if snake(view.name) in taken or names.count(snake(view.name)) > 1:
                msg = f"view {view.name!r} is named like a metric or another view"
                raise ValueError(msg)
        return views

    @field_validator("filter")
    @classmethod
    def _check_filter(cls, value: Filter | None, info: ValidationInfo) -> Any:
        family = _family(info)
        if value and family and (wrong := list(value.unknown_dimensions(family))):
            raise ValueError("; ".join(wrong))
        if value and family and family.qualified:
            users = len(value.predicates)
            users += sum(len(clause.predicates) for clause in value.clauses)
            if users > limits.USER_PREDICATES:
                most = limits.USER_PREDICATES
                msg = f"has {users} users; {family.endpoint} takes at most {most}"
                raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        if self.family is None:
            self._check_fixed()
            return self
        if not self.metrics:
            msg = "is required; name at least one"
            raise MisfitError(("metrics",), msg)
        for key, dimension in (("queues", "queueId"), ("media_types", "mediaType")):
            if getattr(self, key) and dimension not in self.family.dimensions:
                msg = f"{self.endpoint} has no {dimension} to filter by"
                raise MisfitError((key,), msg)
        all_of([any_of("queueId", ["-"])] if self.queues else self.own_clauses,
               self.filter)  # fmt: skip
        return self

    def _check_fixed(self) -> None:
        """Refuse what a tutorial's shape has no room for."""
        keys = ("metrics", "group_by", "views", "media_types", "filter")
        if said := [key for key in keys if getattr(self, key)]:
            msg = f"{self.endpoint} has its own figures and groups; leave it out"
            raise MisfitError((said[0],), msg)

    @cached_property
    def family(self) -> Family | None:
        """The family of aggregates that is asked; None for a tutorial's shape."""
        return family_named(self.endpoint)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone, loaded."""
        return ZoneInfo(self.timezone)

    @property
    def own_clauses(self) -> list[Clause]:
        """The clauses of the filter that do not depend on the queues."""
        return [any_of("mediaType", self.media_types)] if self.media_types else []


class Limits(Section):
    """What the service allows, where its figures are uncertain: `fetch.limits`."""

    max_days_subday: Annotated[int, Field(ge=1, le=3660)] = limits.MAX_DAYS_SUBDAY
    max_days_daily: Annotated[int, Field(ge=1, le=3660)] = limits.MAX_DAYS_DAILY
    expected_buckets: Annotated[int, Field(ge=1)] = limits.EXPECTED_BUCKETS
    body_bytes: Annotated[int, Field(ge=2_000)] = limits.BODY_BYTES


class Fetch(Section):
    """How to pull: the `fetch:` section.

    Args:
        chunk: Longest window of one query; `auto` is the longest the limits allow.
        concurrency: Queries in flight; a slot is held until its part is stored.
        requests_per_minute: A ceiling; the server's headers decide below it.
        reserve: Percent of the quota left to other users of the client.
        settle: Parts fetched sooner after their window are provisional.
        store: Folder of the parts.
        timeout: Longest time that one request may take.
        give_up: How long an address that cannot be reached is tried.
        max_response_bytes: A longer answer is cut off.
        limits: Where the service's limits are uncertain.
    """

    chunk: Literal["auto"] | Duration = "auto"
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    requests_per_minute: Annotated[int, Field(ge=1)] = limits.REQUESTS_PER_MINUTE
    reserve: Annotated[float, Field(ge=0, lt=100)] = 0
    settle: Annotated[Period, Field(json_schema_extra=_schema_of_period)] = (
        Period.parse("P4D")
    )
    store: Path = Path(".gcbatch")
    timeout: Duration = Period.parse("PT2M")
    give_up: Duration = Period.parse("PT30S")
    max_response_bytes: Annotated[int, Field(ge=1024)] = 256 * 1024 * 1024
    limits: Limits = Limits()

    @field_validator("chunk", mode="before")
    @classmethod
    def _read_chunk(cls, value: object) -> object:
        return value if value == "auto" else _as_period(value)

    @field_validator("settle", mode="before")
    @classmethod
    def _read_settle(cls, value: object) -> object:
        if value in ("PT0S", "P0D"):
            return Period(0, 0, 0, "PT0S")
        return _as_period(value)


class Sla(Section):
    """Targets and periods of the table `sla`.

    Args:
        period: Rows per interval, hour, day, week, month or in total.
        target: Service level to reach, in percent; None is each queue's own.
        targets: By queue name or id.
        include_deleted: Whether queues that are no longer listed count.
    """

    period: Annotated[str, one_of("period", PERIODS)] = "day"
    target: Annotated[float, Field(ge=0, le=100)] | None = None
    targets: dict[str, Annotated[float, Field(ge=0, le=100)]] = {}
    include_deleted: bool = True


class Export(Section):
    """One export; the keys not named here are the exporter's own options.

    Args:
        exporter: Its name; `gcbatch exporters` lists them.
        table: One table; or
        tables: several, for an exporter that takes them.
        period: Another period than the job's, for the table `sla`.
    """

    model_config = ConfigDict(extra="allow")

    exporter: str
    table: str | None = None
    tables: Annotated[tuple[str, ...], Unique, Field(min_length=1)] | None = None
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
    """A job file, parsed and frozen."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    org: Org
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
        query.setdefault("granularity", "PT1H")
        return {**data, "query": query}

    @model_validator(mode="after")
    def _check_sla(self) -> Self:
        """Refuse what the table `sla` could not be computed from."""
        query = self.query
        if self.sla is None:
            return self
        if query.granularity is None or query.granularity > ONE_DAY:
            told = query.granularity or "one bucket per window"
            msg = (
                f"{told} would merge days on the server, which no period can be cut "
                "out of again; in a job with sla use P1D or less"
            )
            raise MisfitError(("query", "granularity"), msg)
        if query.family is None:
            return self
        if lacking := [m for m in SLA_METRICS if m not in query.family.metrics]:
            msg = f"{query.endpoint} has no {lacking[0]}, which sla is computed from"
            raise MisfitError(("query", "endpoint"), msg)
        if lacking := [m for m in SLA_METRICS if m not in query.metrics]:
            msg = f"the table sla needs {', '.join(lacking)} too"
            raise MisfitError(("query", "metrics"), msg)
        if several := [d for d in query.group_by if d not in SLA_GROUPS]:
            msg = (
                f"by {', '.join(several)} a conversation would count more than once in "
                f"sla; group by {', '.join(SLA_GROUPS)} alone"
            )
            raise MisfitError(("query", "group_by"), msg)
        return self

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables that this job can export."""
        return ("intervals", "sla") if self.sla else ("intervals",)

    @model_validator(mode="after")
    def _check_tables(self) -> Self:
        for number, export in enumerate(self.exports):
            place = ("exports", number)
            for name in export.table_names:
                if name == "sla" and self.sla is None:
                    msg = "the table sla needs a section `sla:`, be it empty: `sla: {}`"
                    raise MisfitError((*place, "table"), msg)
                if name not in self.tables:
                    said = unknown("table", name, self.tables)
                    raise MisfitError((*place, "table"), said)
            if export.period and "sla" not in export.table_names:
                msg = "a period is of the table sla, and of no other"
                raise MisfitError((*place, "period"), msg)
        return self
