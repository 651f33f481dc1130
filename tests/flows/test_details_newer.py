"""Fields newer than this release, and numbers in other forms: stored and reported."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gcbatch import DataError
from gcbatch.simulator import Fault, Faults
from tests.support.details_world import (
    SPAN,
    World,
    all_ids,
    conversations,
    tenant_of,
    tenant_with_conversations,
)

LEVELS: dict[str, dict[str, Any]] = {
    "conversations": {"newConversationField": {"nested": [1, "two", None]}},
    "participants": {"newParticipantField": 'quite "new"'},
    "sessions": {"newSessionField": 0.5},
    "segments": {"newSegmentField": True},
    "session_metrics": {"newMetricField": [1, 2]},
}
TABLES = (*LEVELS, "conversations_nested")
PATHS = (
    "newConversationField",
    "participants.newParticipantField",
    "participants.sessions.metrics.newMetricField",
    "participants.sessions.newSessionField",
    "participants.sessions.segments.newSegmentField",
)


def newer(folder: Path, *faults: Fault, count: int = 150) -> World:
    return World(folder, tenant_with_conversations(count), faults=Faults(*faults))


def always(kind: Any) -> Fault:
    """Return a fault of every page and every result."""
    return Fault(kind, path="/details/(query|jobs/.*/results)$", times=None)


@pytest.mark.parametrize("mode", ["", "-jobs"])
def test_newer_fields_are_kept_where_they_were(tmp_path: Path, mode: str) -> None:
    """Each in the column `extra` of its row, and whole in the nested table."""
    world = newer(tmp_path, always("newer_fields"))

    world.run(endpoint=f"conversation-details{mode}", tables=TABLES)

    for table, expected in LEVELS.items():
        rows = world.rows(table=table)
        assert rows
        kept = [json.loads(row["extra"]) for row in rows]
        assert all(expected.items() <= extra.items() for extra in kept)
    whole = [
        json.loads(row["conversation"])
        for row in world.rows(table="conversations_nested")
    ]
    assert {one["newConversationField"]["nested"][1] for one in whole} == {"two"}


def test_they_are_reported_once(tmp_path: Path) -> None:
    """One warning names the paths, whatever the number of windows and rows."""
    world = World(
        tmp_path,
        tenant_with_conversations(300, 3),
        faults=Faults(always("newer_fields")),
    )

    report = world.run(days=3, fetch={"chunk": "P1D"})

    (warning,) = report.warnings
    assert warning.startswith(
        "fields newer than this release, kept in the column extra"
    )
    for path in PATHS:
        assert path in warning


def test_they_are_reported_by_a_run_that_asks_nothing(tmp_path: Path) -> None:
    """The parts remember them."""
    world = newer(tmp_path, always("newer_fields"))
    first = world.run()

    second = world.run()

    assert second.requests == 0
    assert second.warnings == first.warnings != ()


def test_one_page_of_many_has_them(tmp_path: Path) -> None:
    """Rows of other pages have nothing extra."""
    world = newer(tmp_path, Fault("newer_fields", page=2), count=250)

    report = world.run()

    extra = [row["extra"] for row in world.rows()]
    assert (extra.count(""), len(extra)) == (150, 250)
    assert len(report.warnings) == 1


def test_keys_beside_the_rows_are_no_concern(tmp_path: Path) -> None:
    """Of the page itself only what is needed is read."""
    world = newer(tmp_path, Fault("extra_fields", times=None))

    world.run()

    assert world.ids() == all_ids(world)


def test_many_of_them_are_counted(tmp_path: Path) -> None:
    """A warning stays a line."""
    (document,) = conversations(1)
    fields = json.loads(document.json) | {f"new{n:02}": n for n in range(50)}
    body = json.dumps({"conversations": [fields], "totalHits": 1}).encode()
    world = World(tmp_path, tenant_of())
    world.simulator.faults.add(Fault("garbage", body=body, times=None))

    report = world.run()

    (warning,) = report.warnings
    assert "new19 and 30 more" in warning
    assert "new20" not in warning


@pytest.mark.parametrize("name", ["line\nbreak", "\x1b[31mred", "a" * 5_000])
def test_their_names_cannot_upset_a_terminal(tmp_path: Path, name: str) -> None:
    """A warning is one line of printable characters, whatever the service sends."""
    (document,) = conversations(1)
    fields = json.loads(document.json) | {name: 1}
    body = json.dumps({"conversations": [fields], "totalHits": 1}).encode()
    world = World(tmp_path, tenant_of())
    world.simulator.faults.add(Fault("garbage", body=body, times=None))

    report = world.run()

    (warning,) = report.warnings
    assert warning.isprintable()
    assert len(warning) < 400


@pytest.mark.parametrize("mode", ["", "-jobs"])
def test_numbers_with_a_fraction_of_nothing_are_whole(
    tmp_path: Path, mode: str
) -> None:
    """414.0 is 414: the same bytes as without."""
    plain, floats = (
        World(tmp_path / name, tenant_with_conversations(150), faults=Faults(*faults))
        for name, faults in (("plain", ()), ("floats", (always("float_details"),)))
    )
    for world in (plain, floats):
        world.folder.mkdir()
        world.run(endpoint=f"conversation-details{mode}", tables=tuple(LEVELS))

    assert floats.simulator.faults.triggered
    for table in LEVELS:
        written = floats.output(table=table).read_bytes()
        assert written == plain.output(table=table).read_bytes()


def changed_world(folder: Path, *changes: dict[str, Any]) -> World:
    """Return a world of one conversation for each change of its fields."""
    documents = conversations(len(changes))
    bodies = [json.loads(d.json) | c for d, c in zip(documents, changes, strict=True)]
    changed = (
        replace(document, json=json.dumps(body).encode())
        for document, body in zip(documents, bodies, strict=True)
    )
    return World(folder, tenant_of(*changed))


@pytest.mark.parametrize("mode", ["", "-jobs"])
def test_an_odd_value_costs_one_field(tmp_path: Path, mode: str) -> None:
    """It is in `extra`; one warning counts such values, and names the first."""
    odd = {"mediaStatsMinConversationMos": "NaN"}
    listed = {"divisionIds": [None, "d"], "externalTag": 5}
    world = changed_world(tmp_path, {}, odd, listed)

    report = world.run(endpoint=f"conversation-details{mode}")

    extra = [json.loads(row["extra"] or "{}") for row in world.rows()]
    first = world.tenant.documents[1].id
    (warning,) = report.warnings
    assert extra == [{}, odd, listed]
    assert warning == (
        "values that do not fit their columns, kept in the column extra: 3, the first "
        f"in conversation {first}: mediaStatsMinConversationMos"
    )
    assert world.run(endpoint=f"conversation-details{mode}").warnings == (warning,)


@pytest.mark.parametrize("value", ["many", True, [1], {}])
@pytest.mark.parametrize("mode", ["", "-jobs"])
def test_what_is_added_up_stays_strict(tmp_path: Path, mode: str, value: Any) -> None:
    """The error names window, conversation and path; nothing is written."""
    metric = {"name": "tHandle", "value": value}
    people = [{"sessions": [{"metrics": [{"name": "tTalk", "value": 1}, metric]}]}]
    world = changed_world(tmp_path, {}, {"participants": people})

    with pytest.raises(DataError) as failed:
        world.run(endpoint=f"conversation-details{mode}")

    problem = failed.value.problem
    named = world.tenant.documents[1].id
    assert failed.value.exit_code == 5
    assert f"{SPAN}: conversation {named}: " in problem
    assert "participants[0].sessions[0].metrics[1].value" in problem
    assert not world.output().exists()


def test_what_is_no_number_is_an_error(tmp_path: Path) -> None:
    """Of a field that this release knows; it names the field."""
    world = newer(tmp_path, Fault("wrong_types", times=None))

    with pytest.raises(DataError, match="value") as failed:
        world.run()

    assert failed.value.exit_code == 5
    assert not world.output().exists()
