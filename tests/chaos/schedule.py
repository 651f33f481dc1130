"""What a seed stands for: a job, a service with its faults, and moments of death."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import orjson

from gcbatch.simulator import Fault, Faults, sample_tenant

__all__ = ["KILLED_EVERY", "Cut", "Schedule", "drawn"]

KILLED_EVERY = 8
"""Every so manieth seed has runs that are processes of their own, to be killed."""

METRICS = ("nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel", "tTalk")
SHAPES = (
    ("PT15M", "PT6H"),
    ("PT15M", "P1D"),
    ("PT30M", "PT12H"),
    ("PT1H", "PT6H"),
    ("PT1H", "P1D"),
    ("PT1H", "P2D"),
    ("PT1H", "auto"),
    ("P1D", "P1D"),
    ("P1D", "P3D"),
    (None, "P1D"),
)
"""Granularities, and lengths of a query's window."""

TOKEN = "/oauth/token"
LISTING = "/routing/queues"
DATA = r"aggregates/query$"
NO_JSON = (b"", b"\xff\xfe", b'{"results": [')
NO_ANSWER = (b"[]", b"null", b'{"results": 5}')
"""Bodies that are JSON of another shape; `{}` would be an answer without results."""

WORDS: tuple[dict[str, Any], ...] = (
    {},
    {"body": b"<html>Bad gateway</html>", "content_type": "text/html"},
    {"body": b"", "content_type": "text/plain"},
)
"""What comes with a 5xx: the service's JSON, a proxy's page, nothing."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How a run is cut off, or what is done to its store before it.

    Args:
        how: `cancel` at a turn of the loop, or `kill` there; `kill between write and
            rename`; the disk is full or read-only at the *nth* file; a part is damaged,
            or the store gone, before the run.
        at: The moment, as a part of the quiet run's turns.
        nth: Which file, the first is 1.
    """

    how: Literal[
        "cancel", "kill", "kill between", "full", "read-only", "damage", "gone"
    ]
    at: float = 0.0
    nth: int = 1

    @property
    def kills(self) -> bool:
        """Whether it takes a process of its own."""
        return self.how in ("kill", "kill between")


@dataclass(frozen=True)
class Schedule:
    """What a seed stands for.

    Args:
        seed: Itself.
        job: The job file, without addresses and paths.
        options: The options of the simulator.
        faults: What goes wrong, in order.
        revoked: Moments at which all tokens are revoked, as parts of the quiet run.
        cuts: What befalls the runs, one after another; then one is left to end.
        published: Whether there are outputs of an earlier run to lose.
    """

    seed: int
    job: Mapping[str, Any]
    options: Mapping[str, Any]
    faults: tuple[Fault, ...]
    revoked: tuple[float, ...]
    cuts: tuple[Cut, ...]
    published: bool

    @property
    def concurrency(self) -> int:
        """Queries in flight."""
        count: int = self.job["fetch"]["concurrency"]
        return count

    def armed(self) -> Faults:
        """Return its faults, none of which has struck yet."""
        return Faults(*self.faults, seed=self.seed)


def drawn(seed: int) -> Schedule:
    """Return the schedule of a seed; the same for the same seed, everywhere."""
    chance = random.Random(seed)  # noqa: S311 - of moments, not of secrets
    faults = tuple(_fault(chance) for _ in range(chance.choice((1, 2, 3, 4, 6, 9))))
    return Schedule(
        seed=seed,
        job=_job(chance),
        options=_options(chance),
        faults=faults,
        revoked=tuple(chance.random() for _ in range(chance.choice((0, 0, 1, 2)))),
        cuts=tuple(_cuts(chance, killed=seed % KILLED_EVERY == 0)),
        published=chance.random() < 0.5,
    )


@cache
def _queues() -> tuple[str, ...]:
    return tuple(queue.id for queue in sample_tenant().queues)


def _job(chance: random.Random) -> dict[str, Any]:
    granularity, chunk = chance.choice(SHAPES)
    first = chance.randint(1, 5)
    days = chance.randint(1, 3 if granularity == "PT15M" else 7)
    query: dict[str, Any] = {
        "from": f"1999-08-0{first}",
        "to": f"1999-08-0{min(first + days, 8)}",
        "timezone": chance.choice(("Asia/Jerusalem", "UTC")),
        "group_by": chance.choice(
            (["queueId"], ["queueId", "mediaType"], ["mediaType"])
        ),
        "metrics": sorted(chance.sample(METRICS, chance.randint(1, 4))),
    }
    if granularity:
        query["granularity"] = granularity
    if chance.random() < 0.4:
        query["queues"] = sorted(chance.sample(_queues(), chance.randint(1, 6)))
    fetch: dict[str, Any] = {
        "chunk": chunk,
        "concurrency": chance.randint(1, 32),
        "requests_per_minute": chance.choice((600, 100_000)),
        "reserve": chance.choice((0, 0, 20)),
        "timeout": chance.choice(("PT20S", "PT2M")),
    }
    if chance.random() < 0.3:
        fetch["limits"] = {"expected_buckets": chance.choice((20, 60, 200))}
    return {"query": query, "fetch": fetch}


def _options(chance: random.Random) -> dict[str, Any]:
    allowed, window_s = chance.choice(((100_000, 60.0), (300, 60.0), (30, 6.0)))
    return {
        "requests_allowed": allowed,
        "window_s": window_s,
        "token_lifetime_s": chance.choice((86_399, 86_399, 300, 40)),
        "max_results": chance.choice((30_000, 30_000, 30_000, 300, 60, 24)),
        "max_page_size": chance.choice((2, 100)),
    }


def _fault(chance: random.Random) -> Fault:
    """Draw one fault; most pass, some end a run, a few never pass."""
    often: dict[str, Any] = chance.choice(
        (
            {"times": chance.randint(1, 5)},
            {"nth": tuple(chance.sample(range(1, 30), 5)), "times": 5},
            {"probability": 0.1, "times": 30},
            {"probability": 0.3, "times": 12},
        )
    )
    draw = chance.choices((_passing, _ending, _harmless), weights=(8, 3, 2))[0]
    if draw is _ending:
        often["times"] = 1
    if chance.random() < 0.03:
        often["times"] = None
    return Fault(**draw(chance), **often)


def _passing(chance: random.Random) -> dict[str, Any]:
    """Draw what is repeated until it passes, or is asked in pieces."""
    lost = ("reset", "truncated", "garbage", "stall", "throttled", "status", "status")
    kind = chance.choice((*lost, "unauthorized", "too large"))
    if kind == "too large":
        body = orjson.dumps({"message": "over the limit of 30000 results"})
        return {"kind": "status", "status": chance.choice((400, 413)), "body": body}
    more: dict[str, dict[str, Any]] = {
        "throttled": {
            "hint": chance.choice(("retry-after", "message", "reset", "none")),
            "wait_s": chance.choice((0, 1, 7, 60, 170)),
        },
        "status": {
            "status": chance.choice((408, 500, 502, 503, 504)),
            "wait_s": chance.choice((None, None, 3)),
            **chance.choice(WORDS),
        },
        "garbage": {"body": chance.choice((None, *NO_JSON))},
        "stall": {"delay_s": chance.choice((5.0, 60.0, 100_000.0))},
    }
    if kind in lost and chance.random() < 0.2:
        more.setdefault(kind, {})["path"] = chance.choice((TOKEN, LISTING))
    return {"kind": kind, **more.get(kind, {})}


def _ending(chance: random.Random) -> dict[str, Any]:
    """Draw what ends a run with a documented exit."""
    status = chance.choice((400, 401, 403, 404, 409, 501))
    of_token = status in (400, 401)
    what: dict[str, Any] = chance.choice(
        (
            {
                "kind": "redirect",
                "status": chance.choice((301, 302, 307)),
                "path": chance.choice((DATA, TOKEN)),
            },
            {"kind": "status", "status": status, "path": TOKEN if of_token else DATA},
            {"kind": "throttled", "wait_s": 7200},
            {"kind": "garbage", "body": chance.choice(NO_ANSWER)},
            {"kind": "wrong_types"},
            {"kind": "doubled_bucket"},
            {"kind": "outside_bucket"},
            {"kind": "overlapping_buckets"},
        )
    )
    return what


def _harmless(chance: random.Random) -> dict[str, Any]:
    """Draw what must change nothing.

    `no_results` is not among them: an answer without results means that nothing
    happened, and nothing distinguishes it from one that lost them.
    """
    return {
        "kind": chance.choice(("extra_fields", "float_numbers", "offset_intervals"))
    }


def _cuts(chance: random.Random, *, killed: bool) -> list[Cut]:
    cuts = [_cut(chance) for _ in range(chance.choice((0, 1, 1, 2, 3)))]
    if killed:
        kill = chance.choice(
            (
                Cut("kill", at=chance.random()),
                Cut("kill", at=chance.random()),
                Cut("kill between", nth=chance.randint(1, 8)),
            )
        )
        cuts.insert(chance.randint(0, len(cuts)), kill)
    return cuts


def _cut(chance: random.Random) -> Cut:
    how = chance.choices(
        ("cancel", "full", "read-only", "damage", "gone"), weights=(8, 2, 1, 2, 1)
    )[0]
    match how:
        case "cancel":
            return Cut("cancel", at=chance.random() * 1.2)
        case "full":
            return Cut("full", nth=chance.randint(1, 12))
        case "read-only":
            return Cut("read-only", nth=chance.randint(1, 12))
        case "damage":
            return Cut("damage", at=chance.random())
        case _:
            return Cut("gone")
