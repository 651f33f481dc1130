"""Values as a small HTML table, as notebooks show the result of a cell."""

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["html_table"]


def html_table(
    caption: str, header: Sequence[str], rows: Iterable[Sequence[object]]
) -> str:
    """Return an HTML table; all text is escaped.

    Args:
        caption: Stands above the table.
        header: The names of the columns; empty if they have none.
        rows: The values of each row; None is shown as an empty cell.
    """
    lines = [
        "<table>",
        f'<caption style="text-align: left">{escape(caption)}</caption>',
    ]
    if header:
        cells = "".join(f"<th>{escape(name)}</th>" for name in header)
        lines.append(f"<thead><tr>{cells}</tr></thead>")
    lines.append("<tbody>")
    for row in rows:
        cells = "".join(f"<td>{_shown(value)}</td>" for value in row)
        lines.append(f"<tr>{cells}</tr>")
    lines += ["</tbody>", "</table>"]
    return "\n".join(lines)


def _shown(value: object) -> str:
    return "" if value is None else escape(str(value))
