"""Makes up conversations by the hundred thousand, the same ones for the same seed.

A few hundred templates are written once, with holes for ids and instants. A
conversation is a template with its holes filled, which is one join of bytes.
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
    ID_HOLE,
    INSTANT_HOLE,
    Story,
    written,
)
from gcbatch.simulator.tenant.tenant import HOME_DIVISION

__all__ = ["generate_conversations"]

TEMPLATES: Final = 256
LONG_MS: Final = 10 * 3_600_000
"""How long every 32nd template goes on, so that some outlast a midnight."""

QUEUE_IDS: Final = tuple(f"b1f5e0c4-0c6e-4d0c-8f7e-2f6a7d3c9a{n:02}" for n in range(5))
USER_IDS: Final = tuple(f"e7a90d12-5b3c-4c8d-9e21-0b4f8a6d1c{n:02}" for n in range(40))

_HOLE: Final = re.compile(
    b"(" + b"|".join(h.replace(b"(", b"(?:") for h in (ID_HOLE, INSTANT_HOLE)) + b")"
)
_PARTICIPANT: Final = b'"participantId"'


def generate_conversations(
    seed: int,
    count: int,
    start: datetime,
    end: datetime,
    *,
    size_bytes: int = 4_096,
    queue_ids: Sequence[str] = QUEUE_IDS,
    user_ids: Sequence[str] = USER_IDS,
) -> tuple[Document, ...]:
    """Return conversations that begin in [start, end), in time order.

    One in ten is given up, one in 32 goes on for hours; some end after *end*.

    Args:
        seed: The same seed and arguments give the same conversations.
        count: How many; evenly spread, with some jitter.
        start: First instant, aware.
        end: First instant too late, aware.
        size_bytes: About how long the JSON of each is, rather more than less; the
            smallest has one participant and about 850.
        queue_ids: Where they wait; each gets its share.
        user_ids: Who answers.
    """
    chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
    first, span = milliseconds(start), milliseconds(end) - milliseconds(start)
    templates = [
        _Template.of(_story(chance, number, queue_ids, user_ids), size_bytes, chance)
        for number in range(min(TEMPLATES, count))
    ]
    documents = []
    for number in range(count):
        begin = first + span * number // count
        begin += chance.randrange(max(span // count, 1))
        template = templates[number % len(templates)]
        documents.append(template.filled(begin, chance))
    return tuple(documents)


def _story(
    chance: random.Random,
    number: int,
    queue_ids: Sequence[str],
    user_ids: Sequence[str],
) -> Story:
    offered = chance.randrange(2_000, 40_000)
    left = offered + int(chance.expovariate(1 / 30_000))
    talk = LONG_MS if number % 32 == 1 else int(chance.expovariate(1 / 240_000))
    is_answered = number % 10 != 0
    return Story(
        offered=offered,
        left=left,
        ended=left + talk if is_answered else left,
        is_answered=is_answered,
        queue_id=queue_ids[number % len(queue_ids)],
        user_id=chance.choice(user_ids),
        division_id=HOME_DIVISION,
    )


@dataclass(frozen=True, slots=True)
class _Template:
    """A conversation whose holes are still open.

    Args:
        pieces: Text, hole, text, hole, ... text.
        fillings: For each hole, the position of its filling: the ids first, then
            the instants.
        ids: How many different ids it has.
        offsets: Its different instants, in milliseconds from the start.
        lasts_ms: From its start to its end.
        attributes: Of its participants.
    """

    pieces: tuple[bytes, ...]
    fillings: tuple[int, ...]
    ids: int
    offsets: tuple[int, ...]
    lasts_ms: int
    attributes: tuple[bytes, ...]

    @classmethod
    def of(cls, story: Story, size_bytes: int, chance: random.Random) -> "_Template":
        """Write a conversation and find its holes."""
        text = written(story, size_bytes, chance)
        pieces = tuple(_HOLE.split(text))
        holes = pieces[1::2]
        ids = sorted({hole for hole in holes if hole.startswith(b"~i")})
        instants = sorted({hole for hole in holes if hole.startswith(b"~a")})
        position = {hole: n for n, hole in enumerate((*ids, *instants))}
        account = {"account": str(chance.randrange(10**6)), "language": "en"}
        others = text.count(_PARTICIPANT) - 1
        return cls(
            pieces=pieces,
            fillings=tuple(position[hole] for hole in holes),
            ids=len(ids),
            offsets=tuple(int(hole[2:-1]) for hole in instants),
            lasts_ms=story.ended,
            attributes=(orjson.dumps(account), *[b"{}"] * others),
        )

    def filled(self, start_ms: int, chance: random.Random) -> Document:
        """Return a conversation that begins at an instant, with ids of its own."""
        ids = _ids(chance, self.ids)
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


def _ids(chance: random.Random, count: int) -> list[bytes]:
    digits = chance.randbytes(16 * count).hex().encode()
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
    """Return an instant as text; quicker than a datetime, of which there are many."""
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
