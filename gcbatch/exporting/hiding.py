"""Keeps the secrets of an exporter's options out of messages and errors."""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, TypeVar

from pydantic import ValidationError

from gcbatch.errors import GcbatchError, OutputError
from gcbatch.exporting.connection_text import password_forms
from gcbatch.exporting.secrets import reveal, secrets_within
from gcbatch.text import HIDDEN

__all__ = ["hide_secrets", "hide_values", "hiding_secrets", "secret_values"]

T = TypeVar("T")

_ORG: Final = "org"
"""The attribute by which a run finds the org that failed: a name of the job file."""

_LETTERS: Final = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r"}
"""Letters that stand for control characters after a backslash."""


def secret_values(options: object) -> frozenset[str]:
    """Return the values of the secrets in options, and the passwords in them.

    Those of files that cannot be read are left out.
    """
    known: set[str] = set()
    for secret in secrets_within(options):
        with suppress(GcbatchError):
            value = reveal(secret)
            known |= {value, *password_forms(value)}
    return frozenset(known)


def hide_secrets(options: object, text: str) -> str:
    """Return a message with `[hidden]` for each secret of an exporter's options.

    They are found as they are, percent-encoded or with escapes.

    Args:
        options: Options with fields of the types Secret and SecretUri.
        text: The message.
    """
    return hide_values(secret_values(options), text)


def hide_values(values: Iterable[str], text: str) -> str:
    """Return a message with `[hidden]` for each of some values; see hide_secrets."""
    # The longest first, so that a shorter one leaves no rest of a longer one.
    longest_first = sorted({*values} - {""}, key=len, reverse=True)
    if not any(_may_be_in(text, value) for value in longest_first):
        return text  # the pattern below takes 26 ms for one address with a password
    patterns = ("".join(map(_ways_of, value)) for value in longest_first)
    return re.sub(rf"\\*(?:{'|'.join(patterns)})", HIDDEN, text)


def _may_be_in(text: str, value: str) -> bool:
    """Return False if a message surely has a value in none of its ways.

    Each way has the character itself, a percent sign or a backslash, except for those
    that are made equal here.
    """
    if "%" in text or "\\" in text:
        return True
    return _folded(value) in _folded(text)


def _folded(text: str) -> str:
    """Return a text without quotes, which may be doubled, and with plain spaces."""
    plain = "".join(one if one.isprintable() else " " for one in text)
    return plain.replace("'", "").replace('"', "").replace("+", " ")


def _ways_of(character: str) -> str:
    """Return the pattern of all ways in which a message may write a character."""
    code = ord(character)
    raw = character.encode("utf-8", "surrogatepass")
    wide = character.encode("utf-16-be", "surrogatepass").hex()
    units = [wide[at : at + 4] for at in range(0, len(wide), 4)]
    ways = [
        "".join(rf"%(?:25)*(?i:{byte:02x})" for byte in raw),
        "".join(rf"\\+u(?i:{unit})" for unit in units),
        rf"\\+U(?i:{code:08x})",
        "".join(rf"\\+x(?i:{byte:02x})" for byte in raw),
        rf"\\*{re.escape(character)}",
    ]
    if character in "'\"":
        ways.append(character * 2)  # as SQL quotes it
    if code <= 0xFF:  # noqa: PLR2004 - what repr writes with two digits
        ways.append(rf"\\+x(?i:{code:02x})")
    if letter := _LETTERS.get(character):
        ways.append(rf"\\+{letter}")
    if character == " ":
        ways.append(r"\+")
    elif not character.isprintable():
        ways.append(" ")  # as in every message of ours
    return f"(?:{'|'.join(ways)})"


def hiding_secrets(options: object, what: str, work: Callable[[], T]) -> T:
    """Return what *work* returns; hide the secrets of options in its errors.

    An error keeps its type; so do those that caused it.

    Args:
        options: Options with fields of the types Secret and SecretUri.
        what: What does the work, such as `exporter 'postgres'`.
        work: Calls an exporter.

    Raises:
        OutputError: Instead of an error in which a secret cannot be hidden.
    """
    try:
        return work()
    except BaseException as exc:
        values = secret_values(options)
        if not values or _clean(exc, values, set()):
            raise
        kind = type(exc).__name__
    # Raised out here: within `except` it would be chained to the error with the secret.
    msg = f"{what} failed: {kind}: its message holds a secret"
    raise OutputError(msg, hint="ask its author to keep options out of messages")


def _clean(exc: BaseException, values: frozenset[str], seen: set[int]) -> bool:
    """Hide values in an error and its causes; return whether it shows none now.

    A cause that still shows one is cut off.
    """
    if id(exc) in seen:
        return True
    seen.add(id(exc))
    with suppress(Exception):  # types of others may refuse it; the check finds that
        exc.args = tuple(_hidden(values, argument) for argument in exc.args)
    names = [name for name in getattr(exc, "__dict__", {}) if name != _ORG]
    names += ["filename", "filename2", "strerror"] if isinstance(exc, OSError) else []
    for name in names:
        with suppress(Exception):
            setattr(exc, name, _hidden(values, getattr(exc, name)))
    if exc.__cause__ is not None and not _clean(exc.__cause__, values, seen):
        exc.__cause__ = None
    if exc.__context__ is not None and not _clean(exc.__context__, values, seen):
        exc.__context__ = None
    inner = exc.exceptions if isinstance(exc, BaseExceptionGroup) else ()
    unclean = [one for one in inner if not _clean(one, values, seen)]
    return not unclean and not _shows(exc, values)


def _shows(exc: BaseException, values: frozenset[str]) -> bool:
    """Return whether an error shows a value; names of types and attributes may."""
    shown = [str(exc), *map(repr, exc.args)]
    attributes = getattr(exc, "__dict__", {})
    shown += (repr(value) for name, value in attributes.items() if name != _ORG)
    if isinstance(exc, ValidationError):  # its text has the input, but cut
        shown += (repr(error["input"]) for error in exc.errors())
    if type(exc).__repr__ is not BaseException.__repr__:
        shown.append(repr(exc))
    return any(hide_values(values, t) != t for t in "\n".join(shown).split(HIDDEN))


def _hidden(values: frozenset[str], value: object) -> object:
    if isinstance(value, str):
        return hide_values(values, value)
    if isinstance(value, bytes):
        hidden = hide_values(values, text := value.decode("utf-8", "replace"))
        return value if hidden == text else hidden.encode()
    if type(value) is list:
        return [_hidden(values, one) for one in value]
    if type(value) is tuple:
        return tuple(_hidden(values, one) for one in value)
    if isinstance(value, dict):
        return {_hidden(values, k): _hidden(values, v) for k, v in value.items()}
    return value
