"""Part metadata: how a part came about, stored in the part's own file."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from gcbatch.windows import Period, Window, step

if TYPE_CHECKING:
    from gcbatch.genesys.client import Answer

__all__ = ["SETTLE", "PartMetadata"]

AHEAD: Final = timedelta(minutes=1)
"""How far the clocks of machines that share a store may differ; no figure settles
within a minute."""

SETTLE: Final = Period.parse("P4D")
"""How long the service corrects figures, unless a job says otherwise."""


@dataclass(frozen=True, slots=True)
class PartMetadata:
    """How a part came about.

    Args:
        asked_at: When the answered request was sent, UTC, by the service's clock.
        window: The span of time that the part covers.
        pages: Pages that the part was made of.
        rows: Rows of the part.
        requests: Requests that were sent for it, repeated ones included.
        size: Bytes of the answers.
        correlation_ids: The service's ids of the requests.
        remarks: What is odd about the answer, each with how often.
        unknown_fields: Fields that this release does not know, as dotted paths in the
            API's words, such as `participants.sessions.fooBar`.
        available_until: Until when the service had data at the time of the request;
            None if it does not say.
        left_out: What the answers have that no column holds: statistics and fields
            that this release does not know, metrics that were not requested.
        odd: How many fields hold something else than they should.
        first_odd: Where the first of them is; empty if there is none.
        fields: The known fields that occur in at least one document, and maybe others,
            as dotted paths in the API's words, such as `participants.sessions.ani`. A
            field that holds records is listed by its fields. None if it was not noted:
            in parts of aggregates, and of older releases.
    """

    asked_at: datetime
    window: Window
    pages: int
    rows: int
    requests: int
    size: int
    correlation_ids: tuple[str, ...]
    remarks: Mapping[str, int] = field(default_factory=dict)
    unknown_fields: tuple[str, ...] = ()
    available_until: datetime | None = None
    left_out: tuple[str, ...] = ()
    odd: int = 0
    first_odd: str = ""
    fields: tuple[str, ...] | None = None

    @classmethod
    def from_answers(
        cls,
        window: Window,
        rows: int,
        answers: "Sequence[Answer[Any]]",
        remarks: Mapping[str, int] | None = None,
        left_out: Iterable[str] = (),
    ) -> "PartMetadata":
        """Return the metadata of a part that was made of *answers*."""
        return cls(
            asked_at=min(answer.asked_at for answer in answers),
            window=window,
            pages=len(answers),
            rows=rows,
            requests=sum(answer.attempts for answer in answers),
            size=sum(answer.size for answer in answers),
            correlation_ids=tuple(answer.correlation_id for answer in answers),
            remarks={what: n for what, n in (remarks or {}).items() if n},
            left_out=tuple(sorted(left_out)),
        )

    def merged_with(self, other: "PartMetadata") -> "PartMetadata":
        """Return the metadata of two pieces of one query."""
        until = filter(None, (self.available_until, other.available_until))
        noted = None not in (self.fields, other.fields)
        return PartMetadata(
            asked_at=min(self.asked_at, other.asked_at),
            window=Window(
                min(self.window.start, other.window.start),
                max(self.window.end, other.window.end),
            ),
            pages=self.pages + other.pages,
            rows=self.rows + other.rows,
            requests=self.requests + other.requests,
            size=self.size + other.size,
            correlation_ids=(*self.correlation_ids, *other.correlation_ids),
            remarks=Counter(self.remarks) + Counter(other.remarks),
            unknown_fields=_union(self.unknown_fields, other.unknown_fields),
            available_until=min(until, default=None),
            left_out=_union(self.left_out, other.left_out),
            odd=self.odd + other.odd,
            first_odd=self.first_odd or other.first_odd,
            fields=_union(self.fields or (), other.fields or ()) if noted else None,
        )

    def is_final(self, settle: Period, zone: ZoneInfo, now: datetime) -> bool:
        """Return whether the figures had settled when they were requested.

        A request time in the future shows that a clock was wrong: such a part counts as
        provisional.

        Args:
            settle: How long after a window its figures may still change.
            zone: The time zone in which *settle* counts days.
            now: The present time, UTC.
        """
        if self.asked_at > now + AHEAD:
            return False
        until = self.available_until
        if until is not None and until < self.window.end:
            return False
        return self.asked_at >= step(self.window.end, settle, 1, zone)

    def to_json(self) -> bytes:
        """Return it as the part's file holds it."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["window"] = self.window.start, self.window.end
        return msgspec.json.encode(_Stored(**values))

    @classmethod
    def from_json(cls, text: bytes) -> "PartMetadata":
        """Read what to_json wrote, in this release or an older one.

        Raises:
            ValueError: If it is something else.
        """
        try:
            values = msgspec.structs.asdict(_STORED.decode(text))
        except (msgspec.DecodeError, RecursionError) as exc:
            raise ValueError(str(exc)) from exc
        return cls(**{**values, "window": Window(*values["window"])})


_Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Stored(msgspec.Struct, rename={"unknown_fields": "newer"}):
    """Part metadata as a file holds it; defaults are what older releases left out."""

    asked_at: _Instant
    window: tuple[_Instant, _Instant]
    pages: _Count
    rows: _Count
    requests: _Count
    size: _Count
    correlation_ids: tuple[str, ...]
    remarks: dict[str, _Count]
    unknown_fields: tuple[str, ...] = ()
    available_until: _Instant | None = None
    left_out: tuple[str, ...] = ()
    odd: _Count = 0
    first_odd: str = ""
    fields: tuple[str, ...] | None = None


_STORED: Final = msgspec.json.Decoder(_Stored)


def _union(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*one, *other}))
