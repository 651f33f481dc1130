"""The sections `fetch:` and `fetch.limits:`: how to fetch."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, field_validator, model_validator

from gcbatch.exporting import LocalPath, OutputPath
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
    FetchMode,
)
from gcbatch.job.changes import Changes, ChangesKey
from gcbatch.job.section import (
    MAX_NUMBER,
    Duration,
    InvalidValueError,
    PeriodOrZero,
    Section,
)
from gcbatch.job.settle import Settle, SettleKey
from gcbatch.objects import Buckets
from gcbatch.store import CacheSettings, StoreRoot, open_root
from gcbatch.windows import ONE_DAY, Period, parse_period

__all__ = ["Fetch", "Limits"]


class Limits(Section):
    """The section `fetch.limits`: limits of the service whose values are uncertain.

    Args:
        max_days_subday: Longest window with buckets shorter than a day.
        max_days_daily: Longest window with buckets of a day or more.
        expected_buckets: Maximum results of a query, buckets times groups.
        body_bytes: Largest body of a request.
        max_days_details: Longest window of details without filters.
        max_days_details_filtered: Longest window of details with filters.
        detail_results: Maximum rows that paging reaches.
        jobs_in_flight: Maximum async jobs in progress at once.
    """

    max_days_subday: Annotated[int, Field(ge=1, le=3660)] = MAX_DAYS_SUBDAY
    max_days_daily: Annotated[int, Field(ge=1, le=3660)] = MAX_DAYS_DAILY
    expected_buckets: Annotated[int, Field(ge=1, le=MAX_NUMBER)] = EXPECTED_BUCKETS
    body_bytes: Annotated[int, Field(ge=2_000, le=MAX_NUMBER)] = BODY_BYTES
    max_days_details: Annotated[int, Field(ge=1, le=3660)] = MAX_DAYS_DETAILS
    max_days_details_filtered: Annotated[int, Field(ge=1, le=3660)] = (
        MAX_DAYS_DETAILS_FILTERED
    )
    detail_results: Annotated[int, Field(ge=100, le=MAX_NUMBER)] = DETAIL_RESULTS
    jobs_in_flight: Annotated[int, Field(ge=1, le=256)] = JOBS_IN_FLIGHT


class Fetch(Section):
    """The `fetch:` section: how to fetch.

    Args:
        chunk: Longest window of a query; `auto` is the longest that the limits allow.
        concurrency: Maximum queries in flight; each counts until its part is stored.
        requests_per_minute: Maximum; below it, the service's own limit applies.
        reserve: Percent of the quota left to other users of the client.
        settle: A part fetched sooner after the end of its window is provisional: the
            next run fetches it again. With `PT0S` no part is. By table, as in
            `{default: P4D, evaluations: P45D}`, the longest of the exported tables
            counts.
        names_max_age: Names, targets, and exported tables of what the org lists are
            listed again when they are older, even if the run fetches nothing else.
            `PT0S` lists them in each run.
        changes: What fetching parts again changed is noted in the store, for the table
            `changes`, up to these limits. With `false` it is not. Default: each key's
            own.
        store: Folder of the parts, or the URL of one in an object store, such as
            `s3://bucket/gcbatch`.
        cache: Folder for copies of parts that are in an object store. It stays, and may
            be shared by jobs. Default: a temporary one for each run.
        cache_mb: Maximum size of these copies; the least recently used go first.
        timeout: Longest time of one request.
        give_up: How long to try an address that cannot be reached.
        job_wait: How long a run waits for an async job.
        mode: How aggregates are requested: by `query`, by async `jobs` of the service,
            or `auto`: by job where a query in pieces takes more requests.
        max_response_bytes: A longer response is cut off and refused.
        limits: Limits of the service whose values are uncertain. Default: each key's
            own.
    """

    chunk: Literal["auto"] | Duration = "auto"
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    requests_per_minute: Annotated[int, Field(ge=1, le=MAX_NUMBER)] = (
        REQUESTS_PER_MINUTE
    )
    reserve: Annotated[float, Field(ge=0, lt=100)] = 0
    settle: SettleKey = Settle()
    names_max_age: PeriodOrZero = ONE_DAY
    changes: ChangesKey = Changes()
    store: OutputPath = Path(".gcbatch")
    cache: LocalPath | None = None
    cache_mb: Annotated[int, Field(ge=1, le=MAX_NUMBER)] = 1024
    timeout: Duration = Period.parse("PT2M")
    give_up: Duration = Period.parse("PT30S")
    job_wait: Duration = Period.parse("PT4H")
    # Job files may use the old name `road`; the schema does not show it.
    mode: Annotated[FetchMode, Field(validation_alias=AliasChoices("mode", "road"))] = (
        FetchMode.QUERY
    )
    max_response_bytes: Annotated[int, Field(ge=1024, le=2**40)] = 256 * 1024 * 1024
    limits: Limits = Limits()

    def open_store(self, buckets: Buckets, *, lists: bool = True) -> StoreRoot:
        """Return the store; nothing is read or requested yet.

        Args:
            buckets: Access to object stores.
            lists: Whether the objects of a job are listed at first; see open_root.

        Raises:
            JobError: If the settings of the object store cannot be used.
        """
        cache = CacheSettings(self.cache, self.cache_mb << 20)
        return open_root(self.store, buckets=buckets, cache=cache, lists=lists)

    @model_validator(mode="before")
    @classmethod
    def _refuse_two_modes(cls, data: Any) -> Any:
        if isinstance(data, dict) and {"mode", "road"} <= data.keys():
            msg = "is the old name of mode, which is given too; remove road"
            raise InvalidValueError(("road",), msg)
        return data

    @field_validator("chunk", mode="before")
    @classmethod
    def _read_chunk(cls, value: object) -> object:
        return value if value == "auto" else parse_period(value)
