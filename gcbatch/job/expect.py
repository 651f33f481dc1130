"""The section `expect:`: what a run must find, or else it replaces no output."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from gcbatch.job.query import QuerySection
from gcbatch.job.section import InvalidValueError, Section

__all__ = ["Expect", "RowCount", "check_expect"]

_FORMS: Final = re.compile(
    r">= ?(?P<least>\d{1,15})|<= ?(?P<most>\d{1,15})"
    r"|(?P<from>\d{1,15}) ?\.\. ?(?P<to>\d{1,15})?"
)


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many rows are expected.

    Args:
        text: As written.
        least: So many or more.
        most: So many or fewer; None is any number.
    """

    text: str
    least: int = 0
    most: int | None = None

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Read `1000`, `">=1000"`, `"<=5000"`, `"1.."` or `"1..5000"`.

        Raises:
            ValueError: If it is none of these; lists them.
        """
        if isinstance(value, RowCount):
            return cls(value.text, value.least, value.most)
        text = str(value).strip()
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return cls(f">={value}", value)
        found = _FORMS.fullmatch(text) if isinstance(value, str) else None
        if found is None:
            msg = f"{text} is no number of rows; write 1000, '>=1000' or 1000..5000"
            raise ValueError(msg)
        least = int(found["least"] or found["from"] or 0)
        most = found["most"] or found["to"]
        if most is not None and int(most) < least:
            msg = f"{text} ends before it begins"
            raise ValueError(msg)
        return cls(text, least, None if most is None else int(most))

    def fits(self, rows: int) -> bool:
        """Return whether there are so many."""
        return self.least <= rows and (self.most is None or rows <= self.most)


_ROWS_SCHEMA: Final = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}


class Expect(Section):
    """What a run must find; if it does not, it exits with 5 and replaces no output.

    Args:
        rows: Number of rows that the run has, over all queues and orgs: `1000` or
            `">=1000"` is at least, `"<=5000"` at most, `1000..5000` both, with both
            ends included. Rows of details are conversations or users; in a job
            without `query:` they are the rows of the listed tables.
        queues: `all`: each of the queues that `query.queues` names has rows; without
            that key, each queue that the org lists.
    """

    rows: Annotated[
        RowCount | None,
        BeforeValidator(lambda v: v if v is None else RowCount.parse(v)),
        PlainSerializer(lambda v: v and v.text),
        WithJsonSchema(_ROWS_SCHEMA),
    ] = None
    queues: Literal["all"] | None = None


def check_expect(
    expect: Expect | None, query: QuerySection, *, lists_only: bool
) -> None:
    """Refuse to expect queues where rows are not by queue.

    Raises:
        InvalidValueError: If so.
    """
    if expect is None or expect.queues is None:
        return
    has_queues = query.family is not None and "queueId" in query.group_by
    if lists_only or not has_queues:
        msg = "needs aggregates grouped by queueId; other rows do not name each queue"
        raise InvalidValueError(("expect", "queues"), msg)
