"""Tables of records that conversations keep as JSON: odd ones, doubled ones, names."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from gcbatch.genesys.detail_models import FieldKind
from gcbatch.genesys.detail_records import EVALUATION, MEDIA_ENDPOINT_STAT
from gcbatch.simulator import sample_tenant
from gcbatch.simulator.tenant.conversation_records import (
    EVALUATION_FORM,
    FLOW,
    FLOW_OUTCOMES,
    SURVEY_FORM,
)
from gcbatch.simulator.tenant.conversations import conversations_of
from gcbatch.tables.documents.json_records import JsonRecords
from tests.support.detail_tables import (
    RECORDS_IN,
    batch_of,
    conversation,
    details_table,
    records,
    rows_of,
    table_of,
)
from tests.unit.tables.test_detail_tables import NUMBERS, several

WHERE = dict(zip(NUMBERS, RECORDS_IN, strict=True))
"""Tables, and the fields whose records are their rows."""


def holding(table: str, written: str) -> bytes:
    """Return a conversation whose list for a table is written as *written*."""
    session: dict[str, Any] = {"sessionId": "s"}
    sent: dict[str, Any] = {}
    if table in ("evaluations", "surveys", "resolutions"):
        sent[table] = "here"
    elif table == "flow_outcomes":
        session["flow"] = {"flowId": "f", "outcomes": "here"}
    else:
        session[WHERE[table]] = "here"
    document = conversation({"participantId": "p", "sessions": [session]}, **sent)
    return document.replace(b'"here"', written.encode())


@pytest.mark.parametrize("table", NUMBERS)
def test_one_record_twice_is_two_rows(table: str) -> None:
    """The service promises no id for each record, nor that one comes once."""
    name = RECORDS_IN[WHERE[table]].fields[0].name
    written = f'[{{"{name}": null}}, {{"{name}": null}}, null, {{}}]'

    rows = rows_of(table, holding(table, written))

    assert [row[NUMBERS[table]] for row in rows] == [1, 2, 3]
    assert {row["conversation_id"] for row in rows} == {"c1"}
    assert all(row["extra"] is None for row in rows)


@pytest.mark.parametrize("table", NUMBERS)
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("null", []),
        ("[]", []),
        ("[null]", []),
        ("0", ["0"]),
        ('"x"', ['"x"']),
        ("[1.50, [2], {}]", ["1.50", "[2]", None]),
        ('{"aNewer" :1.50}', ['{"aNewer":1.50}']),
        ('[{"z":1,"a":[ 2 ]}]', ['{"a":[ 2 ],"z":1}']),
        ('[{"x":"\\ud800"}]', ['{"x":"\\ufffd"}']),
    ],
)
def test_what_is_no_list_of_records_is_kept(
    table: str, written: str, expected: list[str | None]
) -> None:
    """In `extra`, as it was sent; null is nothing."""
    rows = rows_of(table, holding(table, written))

    assert [row["extra"] for row in rows] == expected


@pytest.mark.parametrize(
    ("field", "written", "column", "expected"),
    [
        ("oTotalScore", "87.0", "o_total_score", 87),
        ("oTotalScore", "-5", "o_total_score", -5),
        ("eventTime", '"2026-10-09T08:00:00.1239Z"', "event_time", 123_000),
        ("formName", '"a\\ud800b"', "form_name", "a\ufffdb"),
        ("deleted", "false", "deleted", False),
    ],
)
def test_what_has_a_meaning_is_read(
    field: str, written: str, column: str, expected: object
) -> None:
    """As in other tables: 87.0 is whole, and instants are cut to milliseconds."""
    (row,) = rows_of(
        "evaluations", holding("evaluations", f'[{{"{field}": {written}}}]')
    )

    value = row[column]
    assert (value.microsecond if column == "event_time" else value) == expected
    assert row["extra"] is None


@pytest.mark.parametrize(
    ("field", "written", "column"),
    [
        ("oTotalScore", "87.5", "o_total_score"),
        ("oTotalScore", f"{2**63}", "o_total_score"),
        ("oTotalScore", "true", "o_total_score"),
        ("oTotalScore", '"87"', "o_total_score"),
        ("eventTime", '"soon"', "event_time"),
        ("deleted", '"yes"', "deleted"),
        ("evaluationId", "5", "evaluation_id"),
    ],
)
def test_an_odd_value_costs_one_field(field: str, written: str, column: str) -> None:
    """Its column is null, `extra` has it as sent; the other fields are there."""
    sent = f'[{{"formId": "f", "{field}": {written}}}, {{"formId": "g"}}]'

    row, beside = rows_of("evaluations", holding("evaluations", sent))

    assert (row[column], row["extra"]) == (None, f'{{"{field}":{written}}}')
    assert [row["form_id"], beside["form_id"]] == ["f", "g"]


@several
@given(records(MEDIA_ENDPOINT_STAT))
def test_the_long_way_round_leads_to_the_same_record(record: dict[str, Any]) -> None:
    """An item that is no record makes the list be read field by field."""
    reader = JsonRecords(MEDIA_ENDPOINT_STAT)

    (usual,) = reader.read(json.dumps([record]))
    longer, odd = reader.read(json.dumps([record, 5]))

    assert longer == usual
    assert odd == (*(None for _ in MEDIA_ENDPOINT_STAT.fields), "5")


def test_ids_have_their_names_beside_them() -> None:
    """Of queues, and of everyone who had to do with it."""
    names = {"queueId": {"q": "Sales"}, "userId": {"u": "Ann", "v": "Bob"}}
    evaluation = {"queueId": "q", "userId": "u", "evaluatorId": "v", "assigneeId": "x"}

    (row,) = rows_of("evaluations", conversation(evaluations=[evaluation]), names=names)
    proposed = holding("proposed_agents", '[{"proposedAgentId": "v"}]')
    (agent,) = rows_of("proposed_agents", proposed, names=names)

    columns = ("queue_name", "user_name", "evaluator_name", "assignee_name")
    assert [row[name] for name in columns] == ["Sales", "Ann", "Bob", "x"]
    assert agent["proposed_agent_name"] == "Bob"


def test_units_and_scales_are_declared() -> None:
    """Latency in milliseconds, scores up to 100, and where each value is from."""
    stats, scores = map(details_table, ("media_endpoint_stats", "evaluations"))
    latency = stats.schema.field("max_latency_ms").metadata

    assert latency[b"unit"] == b"ms"
    assert latency[b"source"] == (
        b"participants.sessions.mediaEndpointStats.maxLatencyMs"
    )
    assert scores.schema.field("o_total_score").metadata[b"description"] == b"0 to 100"


def test_models_have_only_values() -> None:
    """No field of theirs holds records or JSON: each has one typed column."""
    kinds = {f.holds for model in RECORDS_IN.values() for f in model.fields}

    assert not kinds & {FieldKind.JSON, FieldKind.ONE, FieldKind.MANY}
    assert len(EVALUATION.by_name) == len(EVALUATION.fields)


@pytest.fixture(scope="module")
def week() -> dict[str, list[dict[str, Any]]]:
    """The rows of the sample's week, by table."""
    documents = [one.json for one in conversations_of(sample_tenant())]
    batch = batch_of(documents)
    return {name: table_of(name, batch).read_all().to_pylist() for name in NUMBERS}


def test_the_sample_names_nothing_that_is_not_there(
    week: dict[str, list[dict[str, Any]]],
) -> None:
    """Queues, users, forms and outcomes of its records are those of the tenant."""
    tenant = sample_tenant()
    people = {user.id for user in tenant.users}
    known = {
        "queue_id": {queue.id for queue in tenant.queues},
        "user_id": people,
        "evaluator_id": people,
        "proposed_agent_id": people,
        "form_id": {EVALUATION_FORM.id},
        "survey_form_id": {SURVEY_FORM.id},
        "flow_id": {FLOW.id},
        "flow_outcome_id": {outcome.id for outcome in FLOW_OUTCOMES},
    }
    missing = {
        (table, name, row[name])
        for table, rows in week.items()
        for row in rows
        for name in known.keys() & row.keys()
        # The queue of a session has no user.
        if row[name] not in known[name] and not (name == "user_id" and not row[name])
    }

    assert not missing
    assert all(len(rows) > 250 for rows in week.values())


def test_the_sample_has_what_is_awkward(week: dict[str, list[dict[str, Any]]]) -> None:
    """Late, deleted, unscored and unanswered ones; an outcome that came twice."""
    evaluations, surveys = week["evaluations"], week["surveys"]
    late = [(r["event_time"] - r["conversation_start"]).days for r in evaluations]
    reached = [(r["session_id"], r["flow_outcome_id"]) for r in week["flow_outcomes"]]

    assert max(late) > 30
    assert min(late) < 4
    assert {row["deleted"] for row in evaluations} == {True, False}
    assert any(row["o_total_score"] is None for row in evaluations)
    assert {row["o_survey_total_score"] is None for row in surveys} == {True, False}
    assert any(row["calibration_id"] for row in evaluations)
    assert len(set(reached)) < len(reached)
    assert max(r["event_time"] for r in surveys) > datetime(1999, 8, 12, tzinfo=UTC)
