"""What a job requests, as plain data, and how two such differ, in words."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from gcbatch.job import Job
from gcbatch.query import PART_FORMAT
from gcbatch.text import one_line

__all__ = ["describe_differences", "requested_by"]

FORMAT: Final = 1

MAX_SHOWN: Final = 5
"""Members of a list that a difference names."""

MAX_CHARS: Final = 80
"""Length of a value that a difference shows."""


def requested_by(
    job: Job,
    identity: str,
    queues: Sequence[str] | None,
    part_format: int = PART_FORMAT,
) -> dict[str, Any]:
    """Return what determines a job's plan; dates stay as written.

    Args:
        job: What is fetched.
        identity: The org, as in ResolvedScope.
        queues: The queues that the job names, also those in a file.
        part_format: Version of how the endpoint's parts are written.
    """
    about: dict[str, Any] = {
        "format": FORMAT,
        "identity": identity,
        "queues": queues if queues is None else list(queues),
        "query": job.query.model_dump(mode="json", by_alias=True),
        "chunk": str(job.fetch.chunk),
        "limits": job.fetch.limits.model_dump(mode="json"),
    }
    if part_format != PART_FORMAT:
        about["part_format"] = part_format
    return about


def describe_differences(
    old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[str]:
    """Yield each difference of what two runs requested, as `key: old -> new`.

    Args:
        old: As requested_by returned it, maybe of another release.
        new: The same of now.
    """
    before, after = dict(_keys(old)), dict(_keys(new))
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            yield f"{key}: {_change(before.get(key), after.get(key))}"


def _keys(about: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the keys of a job file that a run was made of, the range first."""
    query = {**about.get("query", {})}
    for key in ("from", "to"):
        yield key, query.pop(key, None)
    yield "org", about.get("identity")
    query["queues"] = about.get("queues")
    yield from query.items()
    yield "fetch.chunk", about.get("chunk")
    for key, value in about.get("limits", {}).items():
        yield f"fetch.limits.{key}", value
    yield "format of parts", about.get("part_format")


def _change(old: Any, new: Any) -> str:
    if isinstance(old, list) and isinstance(new, list):
        removed = [f"without {_listed(r)}"] if (r := _lacking(old, new)) else []
        added = [f"with {_listed(a)}"] if (a := _lacking(new, old)) else []
        if removed or added:
            return f"now {' and '.join(added + removed)}"
    return f"{_text(old)} -> {_text(new)}"


def _lacking(members: list[Any], others: list[Any]) -> list[str]:
    known = set(map(_text, others))
    return [text for text in map(_text, members) if text not in known]


def _listed(members: Sequence[str]) -> str:
    more = len(members) - MAX_SHOWN
    shown = ", ".join(members[:MAX_SHOWN])
    return f"{shown} and {more:,} more" if more > 0 else shown


def _text(value: Any) -> str:
    if value is None or value in ([], {}, ""):
        return "none"
    if isinstance(value, dict) and value.keys() >= {"text", "seconds"}:
        value = value["text"]  # a period
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return one_line(text, MAX_CHARS)
