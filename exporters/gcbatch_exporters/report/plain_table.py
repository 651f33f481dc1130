"""Writes the plain rows of tables without a report."""

from collections.abc import Iterator

import pyarrow as pa

from gcbatch.lazy import lazy_import
from gcbatch.table import Table
from gcbatch_exporters.report.formatting import provisional, span
from gcbatch_exporters.report.markup import Html, joined, tag
from gcbatch_exporters.text_columns import as_text, concat

__all__ = ["listing"]

pc = lazy_import("pyarrow.compute")

_ESCAPED = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "\r": "&#13;",  # a parser would turn it into a line feed
    "\0": "\ufffd",  # or drop this
}


def listing(table: Table) -> Iterator[tuple[Html, int]]:
    """Yield the pieces of the table's section, each with its number of rows.

    Values are written as in csv: times in UTC, numbers unrounded; null is an empty
    cell.
    """
    heads = [
        tag("th", field.name, scope="col", class_=_looks(field))
        for field in table.schema
    ]
    range_ = span(table.covered, table.timezone)
    begin = joined(
        Html("<section>"),
        tag("h2", table.name),
        tag("p", f"{range_} ({table.timezone.key}); times are UTC", class_="note"),
        *([tag("p", note, class_="note")] if (note := provisional(table)) else []),
        Html('<div class="wide"><table class="rows">'),
        tag("thead", tag("tr", *heads)),
        Html("<tbody>\n"),
    )
    yield begin, 0
    for batch in table:
        pieces: list[pa.Array | str] = ["<tr>"]
        for field, column in zip(batch.schema, batch.columns, strict=True):
            looks = ' class="n"' if _looks(field) else ""
            pieces += [f"<td{looks}>", _escaped(as_text(column, field.name)), "</td>"]
        lines = concat(*pieces, "</tr>", null="")
        yield Html("\n".join(lines.to_pylist()) + "\n"), batch.num_rows
    yield Html("</tbody></table></div></section>\n"), 0


def _looks(field: pa.Field) -> str | None:
    kind = field.type
    return "n" if pa.types.is_integer(kind) or pa.types.is_floating(kind) else None


def _escaped(column: pa.Array) -> pa.Array:
    for character, reference in _ESCAPED.items():
        column = pc.replace_substring(column, character, reference)
    return column
