"""The tenants of the simulator: the log, the sample and made-up calls."""

import gc
import gzip
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gcbatch.simulator import (
    Call,
    Queue,
    call_log_tenant,
    generate_calls,
    load_call_log,
    sample_tenant,
)
from gcbatch.simulator.details.index import index_of
from gcbatch.simulator.tenant.call_log import queue_id, user_id
from gcbatch.simulator.tenant.events import events_of
from gcbatch.simulator.tenant.tenant import Tenant
from gcbatch.simulator.tutorials.counts import CountQuery, count_cells

HEAD = (
    "call_id,line,priority,type,vru_entry,vru_exit,"
    "q_start,q_exit,ser_start,ser_exit,outcome,server"
)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def row(  # noqa: PLR0917 - a row's columns
    q_start: str, q_exit: str, ser_start: str, ser_exit: str, outcome: str, server: str
) -> str:
    times = [
        f"1999-08-01T{text}" if text else ""
        for text in ("10:00:00", "10:00:05", q_start, q_exit, ser_start, ser_exit)
    ]
    return ",".join(["7", "AA01", "0", "PS", *times, outcome, server])


def load(tmp_path: Path, *rows: str) -> tuple[Call, ...]:
    path = tmp_path / "log.csv"
    path.write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    return load_call_log(path)


def utc(text: str) -> datetime:
    """Return a local time of that summer, which is three hours ahead."""
    local = datetime.fromisoformat(f"1999-08-01T{text}").replace(tzinfo=UTC)
    return local - timedelta(hours=3)


def test_an_answered_call(tmp_path: Path) -> None:
    """It joins at q_start, is answered at ser_start and done at ser_exit."""
    line = row("10:00:05", "10:01:00", "10:00:59", "10:03:00", "AGENT", "AVI")

    (call,) = load(tmp_path, line)

    assert call.queue_id == queue_id("PS")
    assert call.user_id == user_id("AVI")
    assert (call.offered, call.answered) == (utc("10:00:05"), utc("10:00:59"))
    assert (call.abandoned, call.ended) == (None, utc("10:03:00"))
    assert call.wrap_up_code


def test_a_call_that_did_not_queue(tmp_path: Path) -> None:
    """It is offered when it is answered."""
    (call,) = load(tmp_path, row("", "", "10:00:05", "10:03:00", "AGENT", "AVI"))

    assert call.offered == call.answered == utc("10:00:05")


def test_a_call_given_up(tmp_path: Path) -> None:
    """At q_exit, without an agent, even if the log names one."""
    (call,) = load(tmp_path, row("10:00:05", "10:00:25", "", "", "HANG", "AVI"))

    assert (call.abandoned, call.answered) == (utc("10:00:25"), None)
    assert (call.user_id, call.wrap_up_code) == (None, None)


def test_an_answered_call_without_agent(tmp_path: Path) -> None:
    """It has no user."""
    (call,) = load(tmp_path, row("", "", "10:00:05", "10:03:00", "AGENT", ""))

    assert call.user_id is None


def test_rows_that_are_no_calls(tmp_path: Path) -> None:
    """A hang-up in the voice menu and a phantom."""
    calls = load(
        tmp_path,
        row("", "", "", "", "HANG", ""),
        row("10:00:05", "10:00:25", "", "", "PHANTOM", ""),
    )

    assert calls == ()


def test_an_unknown_outcome_is_named(tmp_path: Path) -> None:
    """With its row."""
    with pytest.raises(ValueError, match="row 2: unknown outcome 'LOST'"):
        load(tmp_path, row("", "", "", "", "LOST", ""))


def test_a_packed_log_reads_alike(tmp_path: Path) -> None:
    """By the ending of its name."""
    line = row("10:00:05", "10:00:25", "", "", "HANG", "")
    packed = tmp_path / "log.csv.gz"
    packed.write_bytes(gzip.compress(f"{HEAD}\n{line}\n".encode()))

    assert load_call_log(str(packed)) == load(tmp_path, line)


def test_the_sample_is_one_week() -> None:
    """The week's calls; every queue, agent and code that a call names is known."""
    tenant = sample_tenant()

    assert len(tenant.calls) == 10_982
    assert sample_tenant() is tenant
    assert {call.queue_id for call in tenant.calls} == {q.id for q in tenant.queues}
    assert {call.user_id for call in tenant.calls} - {None} <= {
        user.id for user in tenant.users
    }
    assert {call.wrap_up_code for call in tenant.calls} - {None} == {
        code.id for code in tenant.wrap_up_codes
    }


def test_the_samples_ids_are_fixed() -> None:
    """Job files may name them."""
    ids = {queue.name: queue.id for queue in sample_tenant().queues}

    assert ids["Retail banking"] == queue_id("PS")
    assert queue_id("PS") == "44f392ee-200c-5046-8b07-a83d2d60d5f0"


def test_any_log_of_that_form_is_an_organisation(tmp_path: Path) -> None:
    """A queue without a known name is called by its code; agents come from the log."""
    log = tmp_path / "calls.csv"
    log.write_text(
        "call_id,type,q_start,q_exit,ser_start,ser_exit,outcome,server\n"
        "1,PS,,,2024-01-01T10:00:00,2024-01-01T10:01:00,AGENT,ANNA\n"
        "2,XX,2024-01-01T10:00:00,2024-01-01T10:01:00,,,HANG,\n"
    )

    tenant = call_log_tenant(log)

    assert [queue.name for queue in tenant.queues] == ["Retail banking", "XX"]
    assert [user.name for user in tenant.users] == ["Anna"]
    assert len(tenant.calls) == 2


def test_a_log_without_a_column_is_refused(tmp_path: Path) -> None:
    """The message names the column."""
    log = tmp_path / "calls.csv"
    log.write_text("call_id,type\n1,PS\n")

    with pytest.raises(ValueError, match="outcome"):
        call_log_tenant(log)


def test_an_import_reads_nothing() -> None:
    """The log is opened by the first call of sample_tenant, not before."""
    code = (
        "import sys; opened = []; "
        "sys.addaudithook(lambda event, args: "
        "opened.append(str(args[0])) if event == 'open' else None); "
        "import gcbatch.simulator; "
        "assert opened and not [p for p in opened if p.endswith('csv.gz')]"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 - our own

    assert done.returncode == 0


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ({"offered": NOON.replace(tzinfo=None)}, "aware"),
        ({"answered": NOON, "abandoned": NOON}, "both"),
        ({"ended": NOON}, "before it was answered"),
        ({"answered": NOON, "ended": NOON - timedelta(1)}, "before it was answered"),
    ],
)
def test_a_call_cannot_contradict_itself(times: dict[str, Any], words: str) -> None:
    """Naive instants and impossible orders are refused."""
    with pytest.raises(ValueError, match=words):
        replace(Call(queue_id="a", offered=NOON), **times)


QUEUES = (Queue(id="a", name="A"), Queue(id="b", name="B", service_level_ms=30_000))


def made_up(seed: int = 1) -> tuple[Call, ...]:
    return generate_calls(
        seed,
        QUEUES,
        NOON,
        NOON + timedelta(days=3),
        per_day=300,
        user_ids=("u", "v"),
        wrap_up_codes=("w",),
        media_types=("voice", "chat"),
    )


def test_made_up_calls_repeat_themselves() -> None:
    """The same seed gives the same calls."""
    assert made_up() == made_up()
    assert made_up() != made_up(2)


def test_made_up_calls_lie_in_the_span() -> None:
    """As many as asked for, in time order, over all queues and media."""
    calls = made_up()

    offers = [call.offered for call in calls]
    assert len(calls) == 900
    assert offers == sorted(offers)
    assert offers[0] >= NOON
    assert offers[-1] < NOON + timedelta(days=3)
    assert {call.queue_id for call in calls} == {"a", "b"}
    assert {call.media_type for call in calls} == {"voice", "chat"}


def test_made_up_calls_are_odd_enough() -> None:
    """Edges, thresholds, calls given up, still waiting, and over the end."""
    calls = made_up()
    answered = [call for call in calls if call.answered]
    waits = {call.answered - call.offered for call in answered if call.answered}
    midnights = [
        call
        for call in answered
        if call.ended and call.ended.date() > call.offered.date()
    ]

    on_edge = [call for call in calls if call.offered.timestamp() % 900 == 0]
    assert len(on_edge) >= 90
    assert {timedelta(seconds=20), timedelta(seconds=30), timedelta(0)} <= waits
    assert midnights
    assert any(call.abandoned for call in calls)
    assert any(not call.abandoned and not call.answered for call in calls)
    assert any(call.ended and call.ended > NOON + timedelta(days=3) for call in calls)


def test_made_up_calls_need_no_agents() -> None:
    """Without users and codes the calls have none."""
    calls = generate_calls(1, QUEUES, NOON, NOON + timedelta(days=1), per_day=50)

    assert {(call.user_id, call.wrap_up_code) for call in calls} == {(None, None)}


@pytest.mark.parametrize(
    "computed",
    [
        pytest.param(events_of, id="events"),
        pytest.param(index_of, id="conversations"),
        pytest.param(
            lambda tenant: count_cells(tenant, CountQuery(0, 1, None, ("nOffered",))),
            id="tallies",
        ),
    ],
)
def test_what_is_computed_is_kept_as_long_as_the_tenant(
    computed: Callable[[Tenant], object],
) -> None:
    """Once for each; no cache keeps a tenant alive that is used nowhere else."""
    sample = sample_tenant()
    tenant = replace(sample, calls=sample.calls[:50])
    found = computed(tenant)

    assert computed(tenant) is found
    seen = weakref.ref(tenant)
    del tenant
    gc.collect()
    assert seen() is None
