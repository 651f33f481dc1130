"""A job file as a frozen model with every default filled in."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, Self
from zoneinfo import ZoneInfo

from pydantic import Field, PrivateAttr, model_validator

from gcbatch.genesys import (
    DETAILS,
    ENTITY_TABLES,
    Family,
    FetchMode,
    details_named,
    family_named,
)
from gcbatch.job.calendar import CalendarSection, check_calendar
from gcbatch.job.derived import (
    DerivedTable,
    base_tables,
    derived_among,
    read_derived,
)
from gcbatch.job.engine import EngineSection
from gcbatch.job.expect import Expect, check_expect
from gcbatch.job.export import Export, ExportOfEntry
from gcbatch.job.fetch import Fetch
from gcbatch.job.listings import Listings
from gcbatch.job.local_time import LocalTime
from gcbatch.job.org import Org, OrgSection
from gcbatch.job.query import DEFAULT_ENDPOINT, NO_QUERY, QuerySection
from gcbatch.job.relations import relation_names
from gcbatch.job.section import InvalidValueError, Name, Section
from gcbatch.job.settle import DEFAULT
from gcbatch.job.sla import SLA_GROUPS, SLA_METRICS, Sla
from gcbatch.job.storage import StorageSection
from gcbatch.objects import Buckets
from gcbatch.registry import module_names
from gcbatch.store import StoreRoot
from gcbatch.suggest import unknown
from gcbatch.windows import ONE_DAY, Period

if TYPE_CHECKING:
    from gcbatch.selecting import Statement

__all__ = ["CHANGES_TABLE", "PROVISIONAL_TABLES", "Job"]

CHANGES_TABLE: Final = "changes"
"""The table of what fetching again changed; it is not one of `tables: all`."""

SECONDS_OF_AN_HOUR: Final = 3600

PROVISIONAL_TABLES: Final = ("intervals", "sla")
"""Tables that can have a column `is_provisional`."""


class Job(Section):
    """A job file, parsed and frozen.

    Args:
        name: Name of the job and of its folder in the store: letters, digits, dots,
            hyphens and underscores, at most 64.
        org: The org whose data is fetched.
        orgs: Several orgs instead of one, by name. Their rows carry the name.
        engine: What fetches; its name alone is enough. Default: `local`.
        query: What to fetch. A job without it lists entities only, for the tables that
            its exports name. Default: none.
        fetch: How to fetch. Default: each key's own.
        listings: What is kept of listed tables. Default: each key's own.
        storage: Object stores, where the environment does not say it. Default: each
            key's own.
        sla: Targets and periods of the table `sla`.
        calendar: Opening hours, to which the table `sla` is limited.
        local_time: Whether each column of instants has one of local times beside it,
            with the offset, such as `interval_start_local`; or their time zone, if it
            is not `query.timezone`.
        derived: Tables that the job makes of others by SQL, by name. Default: none.
        is_provisional: Whether `intervals` and `sla` have the column `is_provisional`:
            a row was fetched before its figures had settled, and may still change.
        expect: What a run must find, so that it replaces an output. Default: nothing.
        exports: Which tables are written, and where.
    """

    name: Name
    org: Org | None = None
    orgs: Annotated[dict[Name, OrgSection], Field(min_length=1)] | None = None
    engine: EngineSection = EngineSection()
    query: QuerySection = NO_QUERY
    fetch: Fetch = Fetch()
    listings: Listings = Listings()
    storage: StorageSection = StorageSection()
    sla: Sla | None = None
    calendar: CalendarSection | None = None
    local_time: LocalTime = False
    derived: dict[str, DerivedTable] = Field(default_factory=dict, alias="tables")
    is_provisional: bool = False
    expect: Expect | None = None
    exports: tuple[Export, ...] = ()
    _statements: "dict[str, Statement]" = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _imply(cls, data: Any) -> Any:
        """Fill in what `sla:` implies: its metrics, and hours as granularity."""
        if not isinstance(data, dict) or data.get("sla") is None:
            return data
        if not isinstance(data.get("query"), dict):
            return data
        query = dict(data["query"])
        family = family_named(str(query.get("endpoint", DEFAULT_ENDPOINT)))
        if family is not None:
            implied = [str(m) for m in SLA_METRICS if m in family.metrics]
            # _check_sla refuses a family without them, and says why.
            query.setdefault("metrics", implied or list(family.metrics[:1]))
        if details_named(str(query.get("endpoint"))) is None:
            query.setdefault("granularity", "PT1H")
        return {**data, "query": query}

    @model_validator(mode="after")
    def _read_derived(self) -> Self:
        """Read the SQL of derived tables."""
        own = () if self.lists_only else (*self.tables, CHANGES_TABLE)
        if self.derived:
            known, taken = (*own, *ENTITY_TABLES), _tables_of_endpoints()
            self._statements = read_derived(self.derived, known, taken)
        return self

    @model_validator(mode="after")
    def _check_sla(self) -> Self:
        """Refuse a query from which the table `sla` cannot be computed."""
        query = self.query
        if self.sla is None:
            return self
        if self.lists_only:
            msg = "needs a section `query:`, whose answers it is computed from"
            raise InvalidValueError(("sla",), msg)
        if query.details is not None:
            msg = f"{query.endpoint} has no buckets, which sla needs"
            raise InvalidValueError(("query", "endpoint"), msg)
        length = query.granularity
        if length is None or length.typical_s > ONE_DAY.typical_s:
            buckets = query.granularity or "one bucket per window"
            msg = (
                f"{buckets} would merge days on the server, and no period can be cut "
                "out of them; in a job with sla use P1D or less"
            )
            raise InvalidValueError(("query", "granularity"), msg)
        if conflict := self.period_conflict(self.sla.period):
            raise InvalidValueError(("sla", "period"), conflict)
        if query.family is not None:
            self._check_sla_family(query.family, self.sla)
        if several := [d for d in query.group_by if d not in SLA_GROUPS]:
            msg = (
                f"by {', '.join(several)} a conversation would count more than once in "
                f"sla; group by {', '.join(SLA_GROUPS)} only"
            )
            raise InvalidValueError(("query", "group_by"), msg)
        return self

    def _check_sla_family(self, family: Family, sla: Sla) -> None:
        """Refuse aggregates from which the table `sla` cannot be computed."""
        query = self.query
        if lacking := [m for m in SLA_METRICS if m not in family.metrics]:
            msg = f"{query.endpoint} has no {lacking[0]}, which sla needs"
            raise InvalidValueError(("query", "endpoint"), msg)
        if lacking := [m for m in SLA_METRICS if m not in query.metrics]:
            msg = f"the table sla needs {', '.join(lacking)} too"
            raise InvalidValueError(("query", "metrics"), msg)
        if not sla.include_deleted and "queueId" not in query.group_by:
            msg = "false needs rows per queue; add queueId to query.group_by"
            raise InvalidValueError(("sla", "include_deleted"), msg)

    def period_conflict(self, period: str) -> str | None:
        """Return why the table `sla` cannot be cut by *period*; None if it can.

        A bucket must lie within one period: a day's numbers cannot be split into hours.
        """
        length = self.query.granularity
        if period != "hour" or length is None:
            return None
        if length.is_clock and not SECONDS_OF_AN_HOUR % length.seconds:
            return None
        return f"buckets of {length} do not fit into an hour; use PT1H or less"

    _org_name: str = PrivateAttr(default="")
    _own_range: tuple[str, str] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check_orgs(self) -> Self:
        """Refuse a job with neither `org` nor `orgs`, with both, or with a bad org."""
        if (self.org is None) == (self.orgs is None):
            msg = "give either org or orgs"
            raise InvalidValueError(("org",), msg)
        seen: dict[str, str] = {}
        for name in self.orgs or {}:
            if (other := seen.setdefault(name.lower(), name)) != name:
                msg = f"differs from {other} only by case, which some systems ignore"
                raise InvalidValueError(("orgs", name), msg)
        for single in self.per_org():
            try:
                single.query.check()
            except InvalidValueError as exc:
                # The job's own query is checked already, so it is the org's key.
                place = ("orgs", single.org_name, *exc.place)
                raise InvalidValueError(place, str(exc)) from exc
        return self

    @property
    def own_org(self) -> Org:
        """The org of a job of one org.

        Raises:
            ValueError: If the job has several; see per_org.
        """
        if self.org is None:
            msg = "a job of several orgs has no single org"
            raise ValueError(msg)
        return self.org

    @property
    def lists_only(self) -> bool:
        """Whether it has no section `query:` and lists entities only."""
        return self.query.is_absent

    @property
    def org_name(self) -> str:
        """The org's name in a job that per_org made; empty in a job of one org."""
        return self._org_name

    @model_validator(mode="after")
    def _check_expect(self) -> Self:
        check_expect(self.expect, self.query, lists_only=self.lists_only)
        return self

    @model_validator(mode="after")
    def _check_provisional(self) -> Self:
        """Refuse the column in a job whose tables do not have it."""
        if self.is_provisional and not {*PROVISIONAL_TABLES} & {*self.tables}:
            named = " and ".join(PROVISIONAL_TABLES)
            msg = f"only the tables {named} have this column, and the job has neither"
            raise InvalidValueError(("is_provisional",), msg)
        return self

    @model_validator(mode="after")
    def _check_calendar(self) -> Self:
        """Refuse opening hours that no table uses, or that divide buckets."""
        if self.calendar is None:
            return self
        if self.sla is None:
            msg = "needs a section `sla:`, if only `sla: {}`, whose table it limits"
            raise InvalidValueError(("calendar",), msg)
        for single in self.per_org():
            check_calendar(self.calendar, single.query)
        return self

    @model_validator(mode="after")
    def _check_local_time(self) -> Self:
        """Refuse local times in a job that has no time zone."""
        if self.lists_only and self.local_time is True:
            msg = "without a section `query:`, name the zone: local_time: Europe/Dublin"
            raise InvalidValueError(("local_time",), msg)
        return self

    @property
    def local_zone(self) -> ZoneInfo | None:
        """The time zone of columns of local times; None if there are none."""
        if self.local_time is True:
            return self.query.zone
        return ZoneInfo(self.local_time) if self.local_time else None

    @property
    def own_range(self) -> tuple[str, str] | None:
        """The `from` and `to` of the job file, if load_job replaced them; else None."""
        return self._own_range

    def with_own_range(self, own: tuple[str, str] | None) -> "Job":
        """Return the job with the range that its file has itself."""
        job = self.model_copy()
        job._own_range = own  # noqa: SLF001 - it is a copy of this class
        return job

    @property
    def store_name(self) -> str:
        """The job's folder in the store; no job's own name has an @."""
        return f"{self.name}@{self._org_name}" if self._org_name else self.name

    def open_store(self, buckets: Buckets | None = None) -> StoreRoot:
        """Return the store; nothing is read or requested yet.

        Args:
            buckets: Access to object stores. Default: as the job says.

        Raises:
            JobError: If the settings of the object store cannot be used.
        """
        return self.fetch.open_store(buckets or self.storage.buckets())

    def per_org(self) -> "tuple[Job, ...]":
        """Return a job for each org, sorted by name; a job of one org as it is."""
        if self.orgs is None:
            return (self,)
        return tuple(self._for_org(name, self.orgs[name]) for name in sorted(self.orgs))

    def _for_org(self, name: str, org: OrgSection) -> "Job":
        update = {
            "org": org,
            "orgs": None,
            "query": _override(self.query, org, "queues", "timezone"),
            "fetch": _override(self.fetch, org, "requests_per_minute", "reserve"),
        }
        single = self.model_copy(update=update)
        single._org_name = name  # noqa: SLF001 - it is a copy of this class
        return single

    @model_validator(mode="after")
    def _check_mode(self) -> Self:
        """Refuse a mode that the endpoint does not have."""
        query, mode = self.query, self.fetch.mode
        if mode is FetchMode.QUERY or (query.family and query.family.has_jobs):
            return self
        msg = f"{query.endpoint} has no async jobs; remove the key"
        if query.details:
            details, _ = query.details
            names = ", ".join(details.modes)
            msg = f"for details, query.endpoint chooses the mode: {names}"
        raise InvalidValueError(("fetch", "mode"), msg)

    @property
    def sla_periods(self) -> tuple[str, ...]:
        """The periods of all tables `sla` of this job."""
        if self.sla is None:
            return ()
        own = (e.period for e in self.exports if e.period)
        return tuple(dict.fromkeys((self.sla.period, *own)))

    @model_validator(mode="after")
    def _check_comparisons(self) -> Self:
        """Refuse earlier periods that no table `sla` of this job has."""
        if self.sla is not None:
            for key, problem in self.sla.useless_comparisons(self.sla_periods):
                raise InvalidValueError(("sla", key), problem)
        return self

    @property
    def table_folder(self) -> str:
        """The registry folder of the tables of what this job fetches."""
        details = self.query.details
        return f"tables/{details[0].tables if details else 'aggregates'}"

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables of what this job fetches, or lists if that is all."""
        if self.lists_only:
            return self.entities
        names = module_names(self.table_folder)
        return tuple(name for name in names if name != "sla" or self.sla)

    def _without_table(self, name: str) -> str:
        """Return the message for a table that this job cannot export."""
        if name not in _tables_of_endpoints():
            return unknown("table", name, self.exportable)
        own = ", ".join(self.tables)
        return f"{self.query.endpoint} has no table {name}; it has {own}"

    @property
    def statements(self) -> "Mapping[str, Statement]":
        """The SQL of the derived tables, by their names."""
        return self._statements

    @property
    def all_tables(self) -> tuple[str, ...]:
        """The tables that an export means by `all`: what it fetches and derives."""
        return (*self.tables, *self.derived)

    @property
    def exportable(self) -> tuple[str, ...]:
        """The names of all tables that this job can export."""
        own = () if self.lists_only else (*self.tables, CHANGES_TABLE)
        return (*own, *self.derived, *ENTITY_TABLES)

    @property
    def relations(self) -> tuple[str, ...]:
        """The names by which SQL reads the tables of this job, in lower case."""
        more = () if self.lists_only else (CHANGES_TABLE, *self.entities)
        return tuple(relation_names((*self.all_tables, *more)))

    @property
    def entities(self) -> tuple[str, ...]:
        """Those of ENTITY_TABLES that its exports name, or its derived tables read."""
        named = {name for e in self.exports for name in e.table_names}
        named |= self.base_tables(self.derived).keys()
        return tuple(name for name in ENTITY_TABLES if name in named)

    def base_tables(self, names: Iterable[str]) -> dict[str, None]:
        """Return tables, with those that are read for them instead of derived ones."""
        return base_tables(names, self._statements)

    def derived_among(self, names: Iterable[str]) -> list[str]:
        """Return the derived tables among some, with those that are read for them."""
        return derived_among(names, self._statements)

    @property
    def histories(self) -> tuple[str, ...]:
        """Those of its tables of entities that are tables of versions."""
        history = self.listings.history
        return self.entities if history is True else history or ()

    @model_validator(mode="after")
    def _check_histories(self) -> Self:
        """Refuse a history of a table that no run would list."""
        for number, name in enumerate(self.histories):
            if name not in self.entities:
                msg = unknown("table", name, ENTITY_TABLES)
                if name in ENTITY_TABLES:
                    msg = f"no export names {name}, so no run would list it"
                raise InvalidValueError(("listings", "history", number), msg)
        return self

    @property
    def settle(self) -> Period:
        """How long the rows of a part may change: the longest of the exported tables.

        Tables of entities do not count, as they are made of no part.
        """
        named = {name for e in self.exports for name in e.names_of(self.all_tables)}
        named = {*self.base_tables(named)}
        return self.fetch.settle.longest(sorted(named.intersection(self.tables)))

    @property
    def expanded_exports(self) -> tuple[ExportOfEntry, ...]:
        """All exports of the job, in the order of their entries and tables."""
        return tuple(
            one
            for number, export in enumerate(self.exports)
            for one in export.expand(number, self.all_tables)
        )

    @model_validator(mode="after")
    def _check_settle(self) -> Self:
        """Refuse a table in `fetch.settle` that this job does not have."""
        for name in self.fetch.settle.tables:
            if name not in self.tables:
                msg = unknown("table", name, (DEFAULT, *self.tables))
                raise InvalidValueError(("fetch", "settle", name), msg)
        return self

    @model_validator(mode="after")
    def _check_tables(self) -> Self:
        if self.lists_only:
            self._check_listed_tables()
        for number, export in enumerate(self.exports):
            place = ("exports", number)
            key = "tables" if export.tables else "table"
            names = export.names_of(self.all_tables)
            for name in names:
                if name == "sla" and self.sla is None:
                    msg = "the table sla needs a section `sla:`, if only `sla: {}`"
                    raise InvalidValueError((*place, key), msg)
                if name not in self.exportable:
                    msg = self._without_table(name)
                    raise InvalidValueError((*place, key), msg)
            if export.period and "sla" not in names:
                msg = "only the table sla has a period"
                raise InvalidValueError((*place, "period"), msg)
            if conflict := self.period_conflict(export.period or ""):
                raise InvalidValueError((*place, "period"), conflict)
        return self

    def _check_listed_tables(self) -> None:
        """Refuse exports of a job without a query for which it would need one."""
        listed = ", ".join(ENTITY_TABLES)
        if not self.exports:
            msg = f"is required, unless exports name tables to list: {listed}"
            raise InvalidValueError(("query",), msg)
        with_query = _tables_of_endpoints()
        for number, export in enumerate(self.exports):
            if export.tables == "all":
                msg = f"without a section `query:`, name the tables to list: {listed}"
                raise InvalidValueError(("exports", number, "tables"), msg)
            if needing := [n for n in export.table_names if n in with_query]:
                key = "tables" if export.tables else "table"
                msg = (
                    f"the table {needing[0]} needs a section `query:`; without one, "
                    f"a job can export {listed}"
                )
                raise InvalidValueError(("exports", number, key), msg)


def _tables_of_endpoints() -> set[str]:
    """Return the tables of what all endpoints fetch."""
    folders = {"aggregates", *(details.tables for details in DETAILS)}
    names = {name for folder in folders for name in module_names(f"tables/{folder}")}
    return {*names, CHANGES_TABLE}


def _override(section: Section, org: OrgSection, *keys: str) -> Section:
    """Return a copy of *section* with those of *keys* that the org sets itself."""
    own = {key: value for key in keys if (value := getattr(org, key)) is not None}
    return section.model_copy(update=own)
