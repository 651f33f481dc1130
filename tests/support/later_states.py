"""An org whose figures the service corrects later, and what that changes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq

from gcbatch.simulator import Document, Tenant, sample_tenant
from gcbatch.simulator.tenant.tenant import Call
from gcbatch.windows import iso, milliseconds, parse_instant

__all__ = ["Diff", "corrected", "diff_of_rows", "document_with", "longer", "read_rows"]

Diff = set[tuple[str, str | None, str | None, str | None, str]]
"""Key, column, old, new, and what happened."""


def corrected(
    change: Callable[[int, Call], Call | None], of: Tenant | None = None
) -> Tenant:
    """Return the sample with other calls.

    Args:
        change: Returns a call as it is now, by its number; None if it is gone.
        of: The tenant. Default: the sample.
    """
    tenant = of or sample_tenant()
    calls = [change(number, call) for number, call in enumerate(tenant.calls)]
    return replace(tenant, calls=tuple(call for call in calls if call is not None))


def longer(number: int, call: Call) -> Call | None:
    """Take away one call in 500, and let another in 500 end a minute later."""
    if number % 500 == 7:
        return None
    if number % 500 == 8 and call.ended is not None:
        return replace(call, ended=call.ended + timedelta(minutes=1))
    return call


def document_with(document: Document, **fields: Any) -> Document:
    """Return a conversation with other fields; its start moves with that field."""
    sent = {**orjson.loads(document.json), **fields}
    start = parse_instant(sent["conversationStart"])
    return replace(document, start_ms=milliseconds(start), json=orjson.dumps(sent))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of an exported Parquet file."""
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def diff_of_rows(
    old: Sequence[dict[str, Any]],
    new: Sequence[dict[str, Any]],
    key: Sequence[str],
    *,
    by_figure: bool,
    without: Sequence[str] = (),
) -> Diff:
    """Compare two exports of a table, without any code of gcbatch's own comparison."""
    before = {tuple(row[k] for k in key): row for row in old}
    after = {tuple(row[k] for k in key): row for row in new}
    found: Diff = set()
    for at in before.keys() | after.keys():
        a, b = before.get(at), after.get(at)
        text = ",".join(f'"{k}":{_json(v)}' for k, v in zip(key, at, strict=True))
        shown = f"{{{text}}}"
        change = "changed" if a and b else "added" if b else "removed"
        if change != "changed" and not by_figure:
            found.add((shown, None, None, None, change))
            continue
        for column in (b or a or {}).keys() - {*key, *without}:
            one, other = (a or {}).get(column), (b or {}).get(column)
            if one != other:
                found.add((shown, column, _text(one), _text(other), change))
    return found


def _json(value: Any) -> str:
    text = _text(value)
    if value is None or isinstance(value, (int, float)):
        return text or "null"
    return f'"{text}"'


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return iso(value) if hasattr(value, "tzinfo") else str(value)
