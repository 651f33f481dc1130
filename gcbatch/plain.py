"""Text of others, made fit for a line of ours."""

__all__ = ["plain"]


def plain(text: object, most: int = 200) -> str:
    """Return *text* as one line of at most *most* characters that no terminal acts on.

    Control characters, such as those that begin escape codes or new lines, become
    spaces.
    """
    printable = "".join(c if c.isprintable() else " " for c in str(text))
    line = " ".join(printable.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
