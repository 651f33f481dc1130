"""Notes of the store of another shape than ours: ignored, never a traceback."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gcbatch
from gcbatch.store.maintenance import list_store
from gcbatch.store.part_metadata import PartMetadata
from gcbatch.store.pending_jobs import SubmittedJob
from gcbatch.store.store import Store
from gcbatch.verifying.verifier import verify_org
from gcbatch.windows import Window

if TYPE_CHECKING:
    from tests.conftest import Workspace

DAY: Final = {"from": "1999-08-01", "to": "1999-08-02", "timezone": "UTC"}
NAIVE: Final = "1999-08-03T00:00:00"
"""An instant without an offset cannot be compared with one that has one."""

ODD: Final[tuple[Any, ...]] = (
    None, True, -1, 7, 2**70, 1.5, 1e300, "", "x", "\0", NAIVE, "America", [], {},
    [None], {"x": None}, {"": []}, [[[[]]]],
)  # fmt: skip

Place = tuple[str | int, ...]


def places(note: Any, above: Place = ()) -> Iterator[Place]:
    """Yield the places of all values of a note, itself included."""
    yield above
    if isinstance(note, dict | list):
        for key, value in note.items() if isinstance(note, dict) else enumerate(note):
            yield from places(value, (*above, key))


def at(note: Any, place: Place) -> Any:
    for key in place:
        note = note[key]
    return note


def replaced(note: Any, place: Place, value: Any) -> Any:
    """Return a note with another value at one place."""
    if not place:
        return value
    copy = json.loads(json.dumps(note))
    at(copy, place[:-1])[place[-1]] = value
    return copy


def kind_of(value: Any) -> object:
    """Return the shape of values: two texts always have the same shape."""
    if isinstance(value, str):
        with suppress(ValueError):
            return bool(datetime.fromisoformat(value).tzinfo)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "number" if is_number else type(value)


@st.composite
def misshapen(draw: st.DrawFn, note: Any) -> Any:
    """Return a note in which one value has become one of another type."""
    place = draw(st.sampled_from(sorted(places(note), key=repr)))
    known = at(note, place)
    odd = [v for v in ODD if kind_of(v) != kind_of(known)]
    if isinstance(known, str) and kind_of(known) is str:
        odd = [v for v in odd if not isinstance(v, str)]
    value = draw(st.sampled_from(odd))
    return replaced(note, place, value)


@pytest.fixture
def ran(workspace: "Workspace") -> "Workspace":
    """A job of one day that has run, with its outputs."""
    workspace.run(query=DAY, fetch={"settle": "PT0S"})
    return workspace


@pytest.mark.parametrize(
    "examples", [10, pytest.param(60, marks=pytest.mark.slow)], ids="{} examples".format
)
@pytest.mark.parametrize("name", ["plan.json", "run.json", "fresh.json"])
def test_a_note_of_another_shape_changes_nothing(
    ran: "Workspace", name: str, examples: int
) -> None:
    """Runs end as before, with the same outputs; all that reads notes copes."""
    folder = ran.folder / "store" / "job"
    before, path = ran.outputs(), folder / name
    good = {"since": "1999-08-01T00:00:00+00:00"}
    if path.exists():
        good = json.loads(path.read_bytes())
    job = ran.job(query=DAY, fetch={"settle": "PT0S"})

    @settings(max_examples=examples)
    @given(note=misshapen(good) | st.sampled_from(ODD))
    def check(note: Any) -> None:
        text = json.dumps(note)
        for command in (verify_offline, gcbatch.export_job, gcbatch.run):
            path.write_text(text)
            list_store(folder.parent)
            with suppress(gcbatch.GcbatchError):
                command(job)
        assert ran.outputs() == before
        assert gcbatch.run(job).rows == rows

    rows = gcbatch.run(job).rows
    check()


@pytest.mark.parametrize("value", [None, 7, "x", [None]], ids=repr)
@pytest.mark.parametrize("name", ["plan.json", "run.json"])
def test_verify_copes_with_another_value_at_each_place_of_a_note(
    ran: "Workspace", name: str, value: Any
) -> None:
    """It ends with what it found or with one of gcbatch's errors."""
    path = ran.folder / "store" / "job" / name
    good = json.loads(path.read_bytes())
    job = ran.job(query=DAY, fetch={"settle": "PT0S"})
    for place in places(good):
        path.write_text(json.dumps(replaced(good, place, value)))
        with suppress(gcbatch.GcbatchError):
            verify_offline(job)


def verify_offline(job: gcbatch.Job) -> None:
    found = verify_org(job, offline=True)
    assert found.parts


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.sampled_from(ODD),
    place=st.sampled_from([(), ("all",), *(("all", n) for n in range(3))]),
)
def test_what_remembers_jobs_of_the_service_may_be_nonsense(
    tmp_path: Path, value: Any, place: Place
) -> None:
    """They are submitted again; a note is written over."""
    pending = Store(tmp_path, "job").pending("0" * 40)
    good = {"all": ["an-id", None, "1999-08-01T00:00:00+00:00"]}
    note = tmp_path / "job" / "parts" / f"{'0' * 40}.pending"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(replaced(good, place, value)))

    known = pending.job("all")

    assert known is None or (
        known.at.tzinfo and known.job_id in ("an-id", "x", "America", NAIVE)
    )
    again = SubmittedJob("other", None, datetime(1999, 8, 1, tzinfo=UTC))
    pending.remember("all", again)
    assert pending.job("all") == again


ACCOUNT: Final = {
    "asked_at": "1999-08-03T00:00:00+00:00",
    "window": ["1999-08-01T00:00:00+00:00", "1999-08-02T00:00:00+00:00"],
    "pages": 1,
    "rows": 2,
    "requests": 3,
    "size": 4,
    "correlation_ids": ["one"],
    "remarks": {"odd": 1},
    "newer": ["a.b"],
    "available_until": "1999-08-02T00:00:00+00:00",
}


@given(reported=misshapen(ACCOUNT))
def test_an_account_of_another_shape_is_none(reported: Any) -> None:
    """What is read of a part is of the types that its readers count on, or nothing."""
    try:
        metadata = PartMetadata.from_json(json.dumps(reported).encode())
    except ValueError:
        return

    assert isinstance(metadata.window, Window)
    assert metadata.asked_at.tzinfo is not None
    assert metadata == PartMetadata.from_json(metadata.to_json())
