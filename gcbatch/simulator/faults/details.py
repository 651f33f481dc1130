"""Corrupts answers of details queries.

A fault whose `path` says so corrupts pages of a job's results too.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from gcbatch.simulator.faults.faults import Fault, Kind

__all__ = ["corrupt_details", "has_details"]

Json = dict[str, Any]

KEYS: Final = ("conversations", "userDetails")
TOTAL: Final = "totalHits"


def has_details(answer: Mapping[str, Any]) -> bool:
    """Return whether an answer is a page of details, even one after the last."""
    return TOTAL in answer or any(key in answer for key in KEYS)


def corrupt_details(answer: Json, fault: Fault) -> Json:
    """Return a corrupted copy of an answer.

    Args:
        answer: The right one; not changed.
        fault: Its kind is one of `CORRUPTIONS`; those of other answers do nothing.
    """
    corrupted = copy.deepcopy(answer)
    corrupt = _CORRUPTIONS.get(fault.kind)
    if corrupt is not None:
        corrupt(corrupted, fault)
    return corrupted


def _no_results(answer: Json, _: Fault) -> None:
    """Omit the key of the rows, as after the last page."""
    for key in KEYS:
        answer.pop(key, None)


def _empty(answer: Json, _: Fault) -> None:
    """Remove every row."""
    _rows(answer).clear()


def _short(answer: Json, _: Fault) -> None:
    """Remove the row in the middle."""
    rows = _rows(answer)
    del rows[len(rows) // 2 : len(rows) // 2 + 1]


def _doubled(answer: Json, _: Fault) -> None:
    """Replace the last row by the first."""
    rows = _rows(answer)
    if len(rows) > 1:
        rows[-1] = copy.deepcopy(rows[0])


def _added(answer: Json, _: Fault) -> None:
    """Add the first row again at the end."""
    rows = _rows(answer)
    rows += copy.deepcopy(rows[:1])


def _drifting(answer: Json, fault: Fault) -> None:
    """Change the total number of rows."""
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
    """Yield the name and value of a new field for each object within a row."""
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
    """Replace every metric by a text that is not a number."""
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


_CORRUPTIONS: Final[Mapping[Kind, Callable[[Json, Fault], None]]] = {
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
