"""Answers of details queries that are not as they should be.

They act on pages of results of jobs too, where a fault is told to go there.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from gcbatch.simulator.faults.faults import Fault, Kind

__all__ = ["detail_distorted", "has_details"]

Json = dict[str, Any]

KEYS: Final = ("conversations", "userDetails")
TOTAL: Final = "totalHits"


def has_details(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer is a page of details, be it one past the last."""
    return TOTAL in answer or any(key in answer for key in KEYS)


def detail_distorted(answer: Json, fault: Fault) -> Json:
    """Return a spoilt copy of an answer.

    Args:
        answer: The right one; stays as it is.
        fault: One of `DISTORTIONS`; those of other answers do nothing.
    """
    spoilt = copy.deepcopy(answer)
    distort = _DISTORTIONS.get(fault.kind)
    if distort is not None:
        distort(spoilt, fault)
    return spoilt


def _no_results(answer: Json, _: Fault) -> None:
    """Leave the rows' key out, as past the last page."""
    for key in KEYS:
        answer.pop(key, None)


def _empty(answer: Json, _: Fault) -> None:
    """Take every row away."""
    _rows(answer).clear()


def _short(answer: Json, _: Fault) -> None:
    """Take the row in the middle away."""
    rows = _rows(answer)
    del rows[len(rows) // 2 : len(rows) // 2 + 1]


def _doubled(answer: Json, _: Fault) -> None:
    """Give the first row again, in place of the last."""
    rows = _rows(answer)
    if len(rows) > 1:
        rows[-1] = copy.deepcopy(rows[0])


def _added(answer: Json, _: Fault) -> None:
    """Give the first row again, at the end of all the others."""
    rows = _rows(answer)
    rows += copy.deepcopy(rows[:1])


def _drifting(answer: Json, fault: Fault) -> None:
    """Miscount the rows of all pages."""
    if TOTAL in answer:
        answer[TOTAL] = max(answer[TOTAL] + fault.drift, 0)


def _newer(answer: Json, _: Fault) -> None:
    """Add keys that a later version of the API might have, on every level."""
    for row in _rows(answer):
        if "userId" in row:
            row["newUserField"] = {"nested": [1, "two", None]}
        else:
            row["newConversationField"] = {"nested": [1, "two", None]}
        for name, value, inner in _inner(row):
            inner[name] = value


def _inner(row: Json) -> Iterator[tuple[str, object, Json]]:
    """Yield each object within a row, with the new field that it gets."""
    for presence in row.get("primaryPresence", ()):
        yield "newPresenceField", "new", presence
    for status in row.get("routingStatus", ()):
        yield "newRoutingStatusField", 7, status
    for participant in row.get("participants", ()):
        yield "newParticipantField", 'quite "new"', participant
    for session in _sessions(row):
        yield "newSessionField", 0.5, session
        if "flow" in session:
            yield "newFlowField", None, session["flow"]
        for segment in session.get("segments", ()):
            yield "newSegmentField", True, segment
        for metric in session.get("metrics", ()):
            yield "newMetricField", [1, 2], metric


def _extra(answer: Json, fault: Fault) -> None:
    """Add such keys beside the rows too."""
    answer["newTopLevelKey"] = {"nested": [1, "two", None]}
    _newer(answer, fault)


def _float(answer: Json, _: Fault) -> None:
    """Write whole metrics as 414.0."""
    for metric in _metrics(answer):
        if isinstance(metric["value"], int):
            metric["value"] = float(metric["value"])


def _wrong_types(answer: Json, _: Fault) -> None:
    """Make every metric a text that is no number."""
    for metric in _metrics(answer):
        metric["value"] = "many"


def _rows(answer: Json) -> list[Json]:
    for key in KEYS:
        if key in answer:
            rows: list[Json] = answer[key]
            return rows
    return []


def _sessions(row: Json) -> Iterator[Json]:
    for participant in row.get("participants", ()):
        yield from participant.get("sessions", ())


def _metrics(answer: Json) -> Iterator[Json]:
    for row in _rows(answer):
        for session in _sessions(row):
            yield from session.get("metrics", ())


_DISTORTIONS: Final[Mapping[Kind, Callable[[Json, Fault], None]]] = {
    "no_results": _no_results,
    "extra_fields": _extra,
    "wrong_types": _wrong_types,
    "float_numbers": _float,
    "empty_details": _empty,
    "short_details": _short,
    "doubled_details": _doubled,
    "added_details": _added,
    "drifting_total": _drifting,
    "newer_fields": _newer,
    "float_details": _float,
}
