"""Generates conversations by the hundred thousand; a seed gives the same ones.

A few hundred templates are written once, with placeholders for ids and instants. A
conversation is a template with its placeholders filled, which is one join of bytes.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

import orjson

from gcbatch.simulator.documents import Document
from gcbatch.simulator.instants import DAY_MS, instant_text, milliseconds
from gcbatch.simulator.tenant.conversation_template import (
    ID_PLACEHOLDER,
    INSTANT_PLACEHOLDER,
    Scenario,
    write_conversation,
)
from gcbatch.simulator.tenant.tenant import HOME_DIVISION

__all__ = ["generate_conversations"]

TEMPLATES: Final = 256
LONG_MS: Final = 10 * 3_600_000
"""Length of every 32nd template, so that some go on after a midnight."""

SIZE_BYTES: Final = 6_500
"""Bytes of a usual conversation. Published examples of a voice call to an agent have 6
to 7 KB, 207 to 239 keys on all levels, and 5 to 8 statistics of the media."""

QUEUE_IDS: Final = tuple(f"b1f5e0c4-0c6e-4d0c-8f7e-2f6a7d3c9a{n:02}" for n in range(5))
USER_IDS: Final = tuple(f"e7a90d12-5b3c-4c8d-9e21-0b4f8a6d1c{n:02}" for n in range(40))

_PLACEHOLDER: Final = re.compile(
    b"("
    + b"|".join(h.replace(b"(", b"(?:") for h in (ID_PLACEHOLDER, INSTANT_PLACEHOLDER))
    + b")"
)
_PARTICIPANT: Final = b'"participantId"'


def generate_conversations(
    seed: int,
    count: int,
    start: datetime,
    end: datetime,
    *,
    size_bytes: int = SIZE_BYTES,
    queue_ids: Sequence[str] = QUEUE_IDS,
    user_ids: Sequence[str] = USER_IDS,
) -> tuple[Document, ...]:
    """Return conversations that begin in [start, end), in time order.

    One in ten is abandoned, one in 32 lasts hours; some end after *end*. Unless asked
    for smaller ones, each has as many keys and statistics of the media as real ones.

    Args:
        seed: The same seed and arguments give the same conversations.
        count: Number of conversations; evenly spread, with some jitter.
        start: First instant, aware.
        end: First instant after the range, aware.
        size_bytes: Approximate length of the JSON of each, more rather than less; the
            smallest has one participant and about 850.
        queue_ids: Each gets an equal share.
        user_ids: The agents.
    """
    rng = random.Random(seed)  # noqa: S311 - chance, not secrecy
    first, span = milliseconds(start), milliseconds(end) - milliseconds(start)
    templates = [
        _Template.of(_scenario(rng, number, queue_ids, user_ids), size_bytes, rng)
        for number in range(min(TEMPLATES, count))
    ]
    documents = []
    for number in range(count):
        begin = first + span * number // count
        begin += rng.randrange(max(span // count, 1))
        template = templates[number % len(templates)]
        documents.append(template.filled(begin, rng))
    return tuple(documents)


def _scenario(
    rng: random.Random,
    number: int,
    queue_ids: Sequence[str],
    user_ids: Sequence[str],
) -> Scenario:
    offered = rng.randrange(2_000, 40_000)
    left = offered + int(rng.expovariate(1 / 30_000))
    talk = LONG_MS if number % 32 == 1 else int(rng.expovariate(1 / 240_000))
    is_answered = number % 10 != 0
    return Scenario(
        offered=offered,
        left=left,
        ended=left + talk if is_answered else left,
        is_answered=is_answered,
        queue_id=queue_ids[number % len(queue_ids)],
        user_id=rng.choice(user_ids),
        division_id=HOME_DIVISION,
    )


@dataclass(frozen=True, slots=True)
class _Template:
    """A conversation with placeholders.

    Args:
        pieces: Text, placeholder, text, placeholder, ... text.
        fillings: For each placeholder, the position of its value: the ids first, then
            the instants.
        ids: Number of different ids.
        offsets: Its different instants, in milliseconds from the start.
        lasts_ms: From its start to its end.
        attributes: The attributes of its participants.
    """

    pieces: tuple[bytes, ...]
    fillings: tuple[int, ...]
    ids: int
    offsets: tuple[int, ...]
    lasts_ms: int
    attributes: tuple[bytes, ...]

    @classmethod
    def of(cls, scenario: Scenario, size_bytes: int, rng: random.Random) -> "_Template":
        """Write a conversation and find its placeholders."""
        text = write_conversation(scenario, size_bytes, rng)
        pieces = tuple(_PLACEHOLDER.split(text))
        placeholders = pieces[1::2]
        ids = sorted(
            {
                placeholder
                for placeholder in placeholders
                if placeholder.startswith(b"~i")
            }
        )
        instants = sorted(
            {
                placeholder
                for placeholder in placeholders
                if placeholder.startswith(b"~a")
            }
        )
        position = {placeholder: n for n, placeholder in enumerate((*ids, *instants))}
        account = {"account": str(rng.randrange(10**6)), "language": "en"}
        others = text.count(_PARTICIPANT) - 1
        return cls(
            pieces=pieces,
            fillings=tuple(position[placeholder] for placeholder in placeholders),
            ids=len(ids),
            offsets=tuple(int(placeholder[2:-1]) for placeholder in instants),
            lasts_ms=scenario.ended,
            attributes=(orjson.dumps(account), *[b"{}"] * others),
        )

    def filled(self, start_ms: int, rng: random.Random) -> Document:
        """Return a conversation that begins at an instant, with ids of its own."""
        ids = _ids(rng, self.ids)
        fillings = ids + [_instant(start_ms + offset) for offset in self.offsets]
        pieces = list(self.pieces)
        pieces[1::2] = [fillings[position] for position in self.fillings]
        return Document(
            id=ids[0].decode(),
            start_ms=start_ms,
            end_ms=start_ms + self.lasts_ms,
            json=b"".join(pieces),
            attributes=self.attributes,
        )


def _ids(rng: random.Random, count: int) -> list[bytes]:
    digits = rng.randbytes(16 * count).hex().encode()
    return [
        b"%b-%b-4%b-a%b-%b"
        % (
            digits[at : at + 8],
            digits[at + 8 : at + 12],
            digits[at + 13 : at + 16],
            digits[at + 17 : at + 20],
            digits[at + 20 : at + 32],
        )
        for at in range(0, 32 * count, 32)
    ]


def _instant(ms: int) -> bytes:
    """Return an instant as text; faster than a datetime, and there are many."""
    day, ms = divmod(ms, DAY_MS)
    minutes, ms = divmod(ms, 60_000)
    return b"%bT%02d:%02d:%02d.%03dZ" % (
        _date(day),
        *divmod(minutes, 60),
        *divmod(ms, 1_000),
    )


@lru_cache(maxsize=64)
def _date(day: int) -> bytes:
    return instant_text(day * DAY_MS)[:10].encode()
