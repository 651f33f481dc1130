"""Jobs of the service: submitted once, waited for, read to their end, removed."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest

from gcbatch.endpoints.async_jobs import AsyncJobClient, AsyncJobRequest
from gcbatch.endpoints.base import FetchContext
from gcbatch.errors import DataError, ErrorResponse, ServiceError
from gcbatch.genesys.client.client import Answer
from gcbatch.store.pending_jobs import SubmittedJob
from gcbatch.store.store import Store

T = TypeVar("T")
InTime = Callable[[Callable[[Callable[[], float]], Awaitable[None]]], None]

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DIGEST = "0" * 40


@dataclass
class Page:
    """A page of results."""

    rows: list[int]
    cursor: str | None = None


def read(body: bytes) -> Page:
    raw = json.loads(body)
    return Page(raw["rows"], raw.get("cursor"))


@dataclass
class Service:
    """Gives prepared answers, call by call; a number is an error status."""

    answers: Iterator[Any]
    takes_s: float = 0.0
    asked: list[tuple[str, str]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    clock: Callable[[], float] = lambda: 0.0

    async def call(
        self,
        method: str,
        path: str,
        decode: Callable[[bytes], T],
        **more: Any,
    ) -> Answer[T]:
        asked = path.removeprefix("/x/jobs")
        cursor = more.get("cursor")
        self.asked.append((method, f"{asked}?{cursor}" if cursor else asked))
        self.at.append(self.clock())
        await asyncio.sleep(self.takes_s)
        reported = next(self.answers)
        if isinstance(reported, int):
            refusal = ErrorResponse(method=method, path=path, status=reported)
            raise ServiceError(str(refusal), response=refusal)
        return Answer(decode(json.dumps(reported).encode()), NOW, 1, 1, "id")

    async def get(
        self, path: str, decode: Callable[[bytes], T], **parameters: Any
    ) -> Answer[T]:
        return await self.call("GET", path, decode, **parameters)


SUBMITTED = {"jobId": "a/1"}
RUNNING, DONE = {"state": "PENDING"}, {"state": "FULFILLED"}
LAST = {"rows": [3]}
JOB = "/a%2F1"


def job_client(service: Service, **options: Any) -> AsyncJobClient:
    usual: dict[str, Any] = {"at_once": 5, "wait_s": 600.0, "page_size": None}
    given = usual | options
    fetch = SimpleNamespace(
        limits=SimpleNamespace(jobs_in_flight=given["at_once"]),
        job_wait=SimpleNamespace(typical_s=given["wait_s"]),
    )
    context = SimpleNamespace(client=service, fetch=fetch, slots=asyncio.Semaphore(8))
    return AsyncJobClient(
        cast("FetchContext", context), "/x", page_size=given["page_size"]
    )


@pytest.mark.parametrize("job_id", ["", "..", "a b", "a\nb", "[hidden]", "x" * 200])
def test_a_jobs_id_that_can_be_none_is_refused(
    tmp_path: Path, in_turned_time: InTime, job_id: str
) -> None:
    """It would go into an address, a note and messages; nothing is remembered."""
    with pytest.raises(DataError, match="about: the id of a job is not valid"):
        fetch(tmp_path, in_turned_time, {"jobId": job_id}, DONE, LAST, None)

    assert not list(tmp_path.rglob("*.pending"))


@dataclass
class Fetched:
    """What a job brought, and what was asked for that."""

    service: Service
    rows: list[int] = field(default_factory=list)
    begun: int = 0
    until: datetime | None = None


def fetch(
    folder: Path,
    in_turned_time: InTime,
    *answers: Any,
    takes_s: float = 0.0,
    **options: Any,
) -> Fetched:
    """Fetch one order from a service that answers so."""
    fetched = Fetched(Service(iter(answers), takes_s))
    order = AsyncJobRequest("about", b"{}", Store(folder, "job").pending(DIGEST), NOW)

    def begin() -> None:
        fetched.begun += 1
        fetched.rows.clear()

    async def work(clock: Callable[[], float]) -> None:
        fetched.service.clock = clock
        client = job_client(fetched.service, **options)
        fetched.until = await client.fetch(
            order,
            read,
            lambda page: fetched.rows.extend(page.value.rows),
            begin=begin,
        )

    in_turned_time(work)
    return fetched


def note(folder: Path) -> Any:
    path = folder / "job" / "parts" / f"{DIGEST}.pending"
    return json.loads(path.read_text("utf-8")) if path.exists() else None


def test_a_job_from_beginning_to_end(tmp_path: Path, in_turned_time: InTime) -> None:
    """Its id is quoted, its pages are read by their cursors, and it is removed."""
    pages = [{"rows": [1, 2], "cursor": "c"}, {"rows": [], "cursor": "d"}, LAST]

    done = fetch(tmp_path, in_turned_time, SUBMITTED, RUNNING, DONE, *pages, None)

    assert done.service.asked == [
        ("POST", ""),
        ("GET", JOB),
        ("GET", JOB),
        ("GET", f"{JOB}/results"),
        ("GET", f"{JOB}/results?c"),
        ("GET", f"{JOB}/results?d"),
        ("DELETE", JOB),
    ]
    assert (done.rows, done.begun, done.until) == ([1, 2, 3], 1, NOW)
    assert note(tmp_path) is None


def test_the_wait_grows_to_a_bound(tmp_path: Path, in_turned_time: InTime) -> None:
    """From a tenth of a second to twenty."""
    answers = [SUBMITTED, *[RUNNING] * 25, DONE, LAST, None]

    done = fetch(tmp_path, in_turned_time, *answers, wait_s=3_600.0)

    looks = done.service.at[1:27]
    waits = [b - a for a, b in pairwise(looks)]
    assert waits == sorted(waits) or max(waits) - waits[-1] < 0.1
    assert waits[0] < 0.5
    assert max(waits) == pytest.approx(20, abs=0.1)


def test_a_job_that_is_known_is_not_submitted(
    tmp_path: Path, in_turned_time: InTime
) -> None:
    """It goes on with what it was submitted with: also the date of that time."""
    earlier = datetime(2026, 3, 1, tzinfo=UTC)
    pending = Store(tmp_path, "job").pending(DIGEST)
    pending.remember("about", SubmittedJob("old", earlier, earlier))
    pending.remember("another", SubmittedJob("other", None, earlier))

    done = fetch(tmp_path, in_turned_time, DONE, LAST, None)

    assert done.service.asked[0] == ("GET", "/old")
    assert done.until == earlier
    assert note(tmp_path) == {
        "query": DIGEST,
        "another": ["other", None, "2026-03-01T00:00:00.000Z"],
    }


def test_a_job_of_another_query_is_not_gone_on_with(
    tmp_path: Path, in_turned_time: InTime
) -> None:
    """A note copied over another: what that job brings is no answer to this query."""
    store = Store(tmp_path, "job")
    earlier = datetime(2026, 3, 1, tzinfo=UTC)
    store.pending("1" * 40).remember("about", SubmittedJob("old", None, earlier))
    theirs = tmp_path / "job" / "parts" / f"{'1' * 40}.pending"
    theirs.rename(theirs.with_stem(DIGEST))

    done = fetch(tmp_path, in_turned_time, SUBMITTED, DONE, LAST, None)

    assert [method for method, _ in done.service.asked[:2]] == ["POST", "GET"]
    assert note(tmp_path) is None


@pytest.mark.parametrize(
    ("at", "is_known"),
    [("2026-03-01T00:00:00.000Z", True), ("2026-03-01T00:00:00", False), (7, False)],
)
def test_a_note_of_an_older_release_is_read(
    tmp_path: Path, at: object, *, is_known: bool
) -> None:
    """It names no query; an instant that cannot be compared makes it nothing."""
    store = Store(tmp_path, "job")
    store.write_note(f"parts/{DIGEST}.pending", {"about": ["old", None, at]})

    job = store.pending(DIGEST).job("about")

    assert (job is not None) is is_known


@pytest.mark.parametrize("status", [404, 410])
def test_a_known_job_that_is_gone_is_submitted_again(
    tmp_path: Path, in_turned_time: InTime, status: int
) -> None:
    """The service forgets jobs; its new date counts."""
    pending = Store(tmp_path, "job").pending(DIGEST)
    earlier = datetime(2026, 3, 1, tzinfo=UTC)
    pending.remember("about", SubmittedJob("old", earlier, earlier))

    done = fetch(tmp_path, in_turned_time, status, SUBMITTED, DONE, LAST, None)

    assert [method for method, _ in done.service.asked[:2]] == ["GET", "POST"]
    assert (done.rows, done.until) == ([3], NOW)


def test_results_that_are_gone_begin_again(
    tmp_path: Path, in_turned_time: InTime
) -> None:
    """Rows of the lost job are forgotten first."""
    lost = [SUBMITTED, DONE, {"rows": [1, 2], "cursor": "c"}, 404]
    again = [{"jobId": "b"}, DONE, {"rows": [1], "cursor": "c"}, LAST, None]

    done = fetch(tmp_path, in_turned_time, *lost, *again)

    assert (done.rows, done.begun) == ([1, 3], 2)


@pytest.mark.parametrize(
    ("reported", "words"),
    [
        ({"state": "FAILED", "errorMessage": "too\nmuch"}, "failed: too much"),
        ({"state": "CANCELLED"}, "cancelled"),
        ({"state": "EXPIRED"}, "expired"),
    ],
)
def test_three_jobs_come_to_nothing(
    tmp_path: Path, in_turned_time: InTime, reported: Any, words: str
) -> None:
    """Then it is an error, with the service's words on one line."""
    answers = [SUBMITTED, reported] * 3

    with pytest.raises(ServiceError, match=f"about: 3 jobs .*: {words}") as failed:
        fetch(tmp_path, in_turned_time, *answers)

    assert "\n" not in failed.value.problem
    assert note(tmp_path) is None


def test_a_job_that_takes_too_long_stays_known(
    tmp_path: Path, in_turned_time: InTime
) -> None:
    """The next run asks after it."""
    with pytest.raises(ServiceError, match=r"about: job a/1 is not done \(PENDING\)"):
        fetch(tmp_path, in_turned_time, SUBMITTED, *[RUNNING] * 99, wait_s=60.0)

    assert note(tmp_path)["about"][0] == "a/1"


def test_a_wait_for_the_turn_to_look_is_waiting_too(
    tmp_path: Path, in_turned_time: InTime
) -> None:
    """Quota, slots and retries take their time, of which a job has so much."""
    looks = [RUNNING, RUNNING]

    with pytest.raises(ServiceError, match="is not done"):
        fetch(tmp_path, in_turned_time, SUBMITTED, *looks, takes_s=30.0, wait_s=60.0)


def test_a_job_that_is_done_by_then_is_not_too_late(
    tmp_path: Path, in_turned_time: InTime
) -> None:
    """However long it took to hear of it."""
    answers = [SUBMITTED, DONE, LAST, None]

    done = fetch(tmp_path, in_turned_time, *answers, takes_s=90.0, wait_s=60.0)

    assert done.rows == [3]


def test_a_loop_of_cursors_is_an_error(tmp_path: Path, in_turned_time: InTime) -> None:
    """However long it is; the job is removed, and not known any more."""
    pages = [{"rows": [1], "cursor": cursor} for cursor in "abcb"]

    with pytest.raises(DataError, match="run in a loop") as failed:
        fetch(tmp_path, in_turned_time, SUBMITTED, DONE, *pages, None)

    assert failed.value.hint
    assert note(tmp_path) is None


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_job_that_cannot_be_removed_does_no_harm(
    tmp_path: Path, in_turned_time: InTime, status: int
) -> None:
    """The service tidies up by itself."""
    done = fetch(tmp_path, in_turned_time, SUBMITTED, DONE, LAST, status)

    assert done.rows == [3]


@pytest.mark.parametrize("status", [400, 403, 500])
def test_other_refusals_are_the_callers(
    tmp_path: Path, in_turned_time: InTime, status: int
) -> None:
    """A status that says nothing of the job's end is not taken for one."""
    with pytest.raises(ServiceError, match=str(status)):
        fetch(tmp_path, in_turned_time, SUBMITTED, status)

    assert note(tmp_path)["about"][0] == "a/1"


@pytest.mark.parametrize("at_once", [1, 3])
def test_jobs_under_way_are_bounded(
    tmp_path: Path, in_turned_time: InTime, at_once: int
) -> None:
    """From submission to removal, whatever the number of orders."""
    store = Store(tmp_path, "job")
    answers: dict[str, Any] = {"POST": SUBMITTED, "DELETE": None}
    running, most = 0, 0

    class Busy(Service):
        async def call(
            self, method: str, path: str, decode: Callable[[bytes], T], **more: Any
        ) -> Answer[T]:
            nonlocal running, most
            running += (method == "POST") - (method == "DELETE")
            most = max(most, running)
            reported = answers.get(method, LAST if path.endswith("results") else DONE)
            # A service of its own for each call: those at once must not mix.
            return await Service(iter([reported])).call(method, path, decode, **more)

    async def work(_: Callable[[], float]) -> None:
        client = job_client(Busy(iter(())), at_once=at_once)
        async with asyncio.TaskGroup() as group:
            for number in range(8):
                order = AsyncJobRequest("about", b"{}", store.pending(f"{number:040}"))
                group.create_task(
                    client.fetch(order, read, lambda _: None, begin=lambda: None)
                )

    in_turned_time(work)

    assert most == at_once
