"""The job file as frozen models, every default filled in."""

from typing import Annotated, Any, Final, Self

from pydantic import Field, PrivateAttr, model_validator

from gcbatch.genesys import Family, FetchMode, details_named, family_named
from gcbatch.job.engine import EngineSection
from gcbatch.job.export import Export
from gcbatch.job.fetch import Fetch
from gcbatch.job.org import Org, OrgSection
from gcbatch.job.query import DEFAULT_ENDPOINT, QuerySection
from gcbatch.job.section import InvalidValueError, Name, Section
from gcbatch.job.sla import SLA_GROUPS, SLA_METRICS, Sla
from gcbatch.registry import ENTITIES, module_names, tables_for
from gcbatch.suggest import unknown
from gcbatch.windows import ONE_DAY

__all__ = ["ENTITY_TABLES", "Job"]


ENTITY_TABLES: Final = module_names(ENTITIES)
"""Tables of what ids stand for, which every job can export."""

SECONDS_OF_AN_HOUR: Final = 3600


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
    orgs: Annotated[dict[Name, OrgSection], Field(min_length=1)] | None = None
    engine: EngineSection = EngineSection()
    query: QuerySection
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
            raise InvalidValueError(("query", "endpoint"), msg)
        length = query.granularity
        if length is None or length.typical_s > ONE_DAY.typical_s:
            told = query.granularity or "one bucket per window"
            msg = (
                f"{told} would merge days on the server, which no period can be cut "
                "out of again; in a job with sla use P1D or less"
            )
            raise InvalidValueError(("query", "granularity"), msg)
        if misfit := self.misfit_of_period(self.sla.period):
            raise InvalidValueError(("sla", "period"), misfit)
        if query.family is not None:
            self._check_sla_of(query.family, self.sla)
        if several := [d for d in query.group_by if d not in SLA_GROUPS]:
            msg = (
                f"by {', '.join(several)} a conversation would count more than once in "
                f"sla; group by {', '.join(SLA_GROUPS)} alone"
            )
            raise InvalidValueError(("query", "group_by"), msg)
        return self

    def _check_sla_of(self, family: Family, sla: Sla) -> None:
        """Refuse aggregates that the table `sla` could not be computed from."""
        query = self.query
        if lacking := [m for m in SLA_METRICS if m not in family.metrics]:
            msg = f"{query.endpoint} has no {lacking[0]}, which sla is computed from"
            raise InvalidValueError(("query", "endpoint"), msg)
        if lacking := [m for m in SLA_METRICS if m not in query.metrics]:
            msg = f"the table sla needs {', '.join(lacking)} too"
            raise InvalidValueError(("query", "metrics"), msg)
        if not sla.include_deleted and "queueId" not in query.group_by:
            msg = "false needs queues to be told apart; add queueId to query.group_by"
            raise InvalidValueError(("sla", "include_deleted"), msg)

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
            raise InvalidValueError(("org",), msg)
        seen: dict[str, str] = {}
        for name in self.orgs or {}:
            if (other := seen.setdefault(name.lower(), name)) != name:
                msg = f"differs from {other} by case only; some systems' folders do not"
                raise InvalidValueError(("orgs", name), msg)
        for share in self.shares():
            try:
                share.query.check()
            except InvalidValueError as exc:
                # The job's own query is good: what misfits is the org's.
                raise InvalidValueError(
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

    def _share(self, name: str, org: OrgSection) -> "Job":
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
    def _check_mode(self) -> Self:
        """Refuse a mode that the endpoint does not have."""
        query, mode = self.query, self.fetch.mode
        if mode is FetchMode.QUERY or (query.family and query.family.has_jobs):
            return self
        msg = f"{query.endpoint} has no async jobs; remove the key"
        if query.details:
            details, _ = query.details
            names = ", ".join(details.roads)
            msg = f"for details, query.endpoint chooses the mode: {names}"
        raise InvalidValueError(("fetch", "mode"), msg)

    @property
    def _table_folder(self) -> str:
        """Where the tables of what this job asks are."""
        details = self.query.details
        return tables_for(details[0].tables if details else "aggregates")

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables of what this job asks."""
        names = module_names(self._table_folder)
        return tuple(name for name in names if name != "sla" or self.sla)

    def folder_of(self, table: str) -> str:
        """Return where a table is that this job can export."""
        return ENTITIES if table in ENTITY_TABLES else self._table_folder

    @property
    def exportable(self) -> tuple[str, ...]:
        """The names of all tables that this job can export."""
        return (*self.tables, *ENTITY_TABLES)

    @property
    def listed(self) -> tuple[str, ...]:
        """Which of ENTITIES its exports name."""
        named = {name for export in self.exports for name in export.table_names}
        return tuple(name for name in ENTITY_TABLES if name in named)

    @model_validator(mode="after")
    def _check_tables(self) -> Self:
        for number, export in enumerate(self.exports):
            place = ("exports", number)
            key = "tables" if export.tables else "table"
            for name in export.table_names:
                if name == "sla" and self.sla is None:
                    msg = "the table sla needs a section `sla:`, be it empty: `sla: {}`"
                    raise InvalidValueError((*place, key), msg)
                if name not in self.exportable:
                    said = unknown("table", name, self.exportable)
                    raise InvalidValueError((*place, key), said)
            if export.period and "sla" not in export.table_names:
                msg = "a period is of the table sla, and of no other"
                raise InvalidValueError((*place, "period"), msg)
            if misfit := self.misfit_of_period(export.period or ""):
                raise InvalidValueError((*place, "period"), misfit)
        return self


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
