"""The options of a run, beside its job."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from gcbatch.errors import JobError
from gcbatch.job import DatedSpan, Refetch, RefetchSpan, refetch_spans

__all__ = ["RunOptions"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of a run, beside its job.

    Args:
        fresh: Whether to fetch again what is stored already.
        refetch: The spans that are fetched again.
        allow_partial: Whether to continue if a query fails.
        may_replace: Whether a range that options narrowed may replace outputs of a
            wider one.
        fail_on_empty: Whether a run that lacks rows fails before it replaces an output.
    """

    fresh: bool = False
    refetch: tuple[DatedSpan, ...] = ()
    allow_partial: bool = False
    may_replace: bool = False
    fail_on_empty: bool = False

    @classmethod
    def of(
        cls,
        *,
        fresh: bool = False,
        refetch: Refetch | Sequence[RefetchSpan] | None = None,
        allow_partial: bool = False,
        replace: bool = False,
        fail_on_empty: bool = False,
    ) -> Self:
        """Return the options of a call; see gcbatch.arun.

        Raises:
            JobError: If *refetch* is no span, or *fresh* fetches all of it anyway.
        """
        spans = tuple(refetch_spans(refetch))
        if fresh and spans:
            msg = f"refetch {spans[0]}: fresh fetches everything again already"
            raise JobError(msg, hint="leave out one of the two")
        return cls(
            fresh,
            spans,
            allow_partial,
            may_replace=replace,
            fail_on_empty=fail_on_empty,
        )
