"""How a part came about: its own account, kept in its file."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Final, Protocol
from zoneinfo import ZoneInfo

import msgspec
import orjson

from gcbatch.windows import Period, Window, iso, step

__all__ = ["SETTLE", "Exchange", "PartMetadata"]

AHEAD: Final = timedelta(minutes=1)
"""So far the clocks of machines that share a store may be apart; no figure settles
within a minute."""

SETTLE: Final = Period.parse("P4D")
"""How long the service goes on correcting figures, unless a job says otherwise."""


class Exchange(Protocol):
    """One answer, as far as an account needs it."""

    @property
    def asked_at(self) -> datetime:
        """When its request was sent."""
        ...

    @property
    def attempts(self) -> int:
        """Requests that it took."""
        ...

    @property
    def size(self) -> int:
        """Bytes of its body."""
        ...

    @property
    def correlation_id(self) -> str:
        """The service's id of it."""
        ...


@dataclass(frozen=True, slots=True)
class PartMetadata:
    """How a part came about.

    Args:
        asked_at: When the request that was answered was sent, UTC, by the service's
            clock.
        window: The span that it is about.
        pages: Pages that it was put together from.
        rows: Rows of the part.
        requests: Requests that it took, repeated ones included.
        size: Bytes of the answers.
        correlation_ids: The service's ids of the exchanges.
        remarks: What is odd about the answer, each with how often.
        newer: Fields that this release does not know, as dotted paths in the API's
            words, such as `participants.sessions.fooBar`.
        available_until: What the service had data up to when it was asked; None where
            it does not say.
        left_out: What the answers have that no column holds: statistics and fields
            that this release does not know, metrics that were not asked for.
        odd: How many fields hold something else than they should.
        first_odd: Where the first of them is; empty if there is none.
    """

    asked_at: datetime
    window: Window
    pages: int
    rows: int
    requests: int
    size: int
    correlation_ids: tuple[str, ...]
    remarks: Mapping[str, int] = field(default_factory=dict)
    newer: tuple[str, ...] = ()
    available_until: datetime | None = None
    left_out: tuple[str, ...] = ()
    odd: int = 0
    first_odd: str = ""

    @classmethod
    def of_pages(
        cls,
        window: Window,
        rows: int,
        pages: Sequence[Exchange],
        remarks: Mapping[str, int] | None = None,
        left_out: Iterable[str] = (),
    ) -> "PartMetadata":
        """Return the account of a part that was put together from *pages*."""
        return cls(
            asked_at=min(page.asked_at for page in pages),
            window=window,
            pages=len(pages),
            rows=rows,
            requests=sum(page.attempts for page in pages),
            size=sum(page.size for page in pages),
            correlation_ids=tuple(page.correlation_id for page in pages),
            remarks={what: n for what, n in (remarks or {}).items() if n},
            left_out=tuple(sorted(left_out)),
        )

    def joined(self, other: "PartMetadata") -> "PartMetadata":
        """Return the account of two pieces of one query."""
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
            newer=tuple(sorted({*self.newer, *other.newer})),
            available_until=_earliest(self.available_until, other.available_until),
            left_out=tuple(sorted({*self.left_out, *other.left_out})),
            odd=self.odd + other.odd,
            first_odd=self.first_odd or other.first_odd,
        )

    def settled(self, settle: Period, zone: ZoneInfo, now: datetime) -> bool:
        """Say whether the service's figures had settled when it was asked.

        What was asked in the future was not: some clock was wrong then.

        Args:
            settle: How long after a window its figures may still change.
            zone: Whose days *settle* counts.
            now: The present time, UTC.
        """
        if self.asked_at > now + AHEAD:
            return False
        until = self.available_until
        if until is not None and until < self.window.end:
            return False
        return self.asked_at >= step(self.window.end, settle, 1, zone)

    def to_json(self) -> bytes:
        """Return it as the part's file carries it."""
        return orjson.dumps(
            {
                "asked_at": self.asked_at.isoformat(),
                "window": [iso(self.window.start), iso(self.window.end)],
                "pages": self.pages,
                "rows": self.rows,
                "requests": self.requests,
                "size": self.size,
                "correlation_ids": self.correlation_ids,
                "remarks": dict(self.remarks),
                "newer": self.newer,
                "available_until": self.available_until and iso(self.available_until),
                "left_out": self.left_out,
                "odd": self.odd,
                "first_odd": self.first_odd,
            }
        )

    @classmethod
    def from_json(cls, text: bytes) -> "PartMetadata":
        """Read what to_json wrote.

        Raises:
            ValueError: If it is something else.
        """
        try:
            _SHAPE.decode(text)
        except (msgspec.DecodeError, RecursionError) as exc:
            raise ValueError(str(exc)) from exc
        raw = orjson.loads(text)
        start, end = map(datetime.fromisoformat, raw["window"])
        return cls(
            asked_at=datetime.fromisoformat(raw["asked_at"]),
            window=Window(start, end),
            pages=raw["pages"],
            rows=raw["rows"],
            requests=raw["requests"],
            size=raw["size"],
            correlation_ids=tuple(raw["correlation_ids"]),
            remarks=raw["remarks"],
            newer=tuple(raw.get("newer", ())),
            available_until=(
                datetime.fromisoformat(raw["available_until"])
                if raw.get("available_until")
                else None
            ),
            left_out=tuple(raw.get("left_out", ())),
            odd=raw.get("odd", 0),
            first_odd=raw.get("first_odd", ""),
        )


_Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Shape(msgspec.Struct):
    """What an account looks like; one of another shape would fail its readers late."""

    asked_at: _Instant
    window: tuple[_Instant, _Instant]
    pages: _Count
    rows: _Count
    requests: _Count
    size: _Count
    correlation_ids: list[str]
    remarks: dict[str, _Count]
    newer: list[str] = []
    available_until: _Instant | None = None
    left_out: list[str] = []
    odd: _Count = 0
    first_odd: str = ""


_SHAPE: Final = msgspec.json.Decoder(_Shape)


def _earliest(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)
