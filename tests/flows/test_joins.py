"""Every id in a table of the sample organisation joins the table that lists it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import duckdb
import orjson
import pytest

from gcbatch.genesys import ENTITY_KINDS, ENTITY_TABLES, EntityKind, entity_kind
from gcbatch.simulator import (
    Document,
    Presence,
    Simulator,
    Tenant,
    generate_conversations,
    sample_tenant,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SimulatorThread

Column = tuple[str, str]
"""A table and one of its columns."""

DAY: Final = datetime(1999, 8, 2, tzinfo=UTC)
DAYS: Final = {
    "from": "1999-08-01",
    "to": "1999-08-08",
    "timezone": "Asia/Jerusalem",
}
GROUPS: Final = ("queueId", "userId", "wrapUpCode", "divisionId")

ENTITY_OF: Final = {
    "action_id": "data_actions",
    "activity_code_id": "activity_codes",
    "assessment_id": "routing_assessments",
    "assignee_id": "users",
    "assigner_id": "users",
    "attempt_limit_id": "attempt_limits",
    "attempt_limits_id": "attempt_limits",
    "business_unit_id": "business_units",
    "callable_time_set_id": "callable_time_sets",
    "campaign_id": "campaigns",
    "campaign_rule_id": "campaign_rules",
    "campaign_sequence_id": "campaign_sequences",
    "canned_response_library_id": "canned_response_libraries",
    "canonical_contact_id": "external_contacts",
    "category_id": "sta_categories",
    "closed_hours_flow_id": "flows",
    "contact_list_filter_id": "contact_list_filters",
    "contact_list_id": "contact_lists",
    "contact_user_id": "users",
    "context_id": "evaluation_forms",
    "created_by_id": "users",
    "data_table_id": "data_tables",
    "default_for_user_id": "users",
    "default_site_id": "sites",
    "did_id": "dids",
    "did_pool_id": "did_pools",
    "division_id": "divisions",
    "division_ids": "divisions",
    "dnc_list_id": "dnc_lists",
    "edge_id": "edges",
    "evaluation_form_id": "evaluation_forms",
    "evaluator_id": "users",
    "extension_id": "extensions",
    "external_contact_id": "external_contacts",
    "external_organization_id": "external_organizations",
    "first_queue_id": "queues",
    "flow_id": "flows",
    "flow_milestone_id": "flow_milestones",
    "flow_outcome_id": "flow_outcome_definitions",
    "form_id": "evaluation_forms",
    "group_id": "groups",
    "holiday_hours_flow_id": "flows",
    "integration_id": "integrations",
    "ivr_id": "ivrs",
    "journey_action_map_id": "journey_action_maps",
    "journey_outcome_id": "journey_outcomes",
    "journey_segment_id": "journey_segments",
    "knowledge_base_id": "knowledge_bases",
    "knowledge_base_ids": "knowledge_bases",
    "language_id": "languages",
    "learning_module_id": "learning_modules",
    "line_appearance_id": "lines",
    "line_id": "lines",
    "location_definition_id": "locations",
    "location_id": "locations",
    "locked_user_id": "users",
    "logged_in_user_id": "users",
    "management_unit_id": "management_units",
    "manager_id": "users",
    "medium_id": "utilization",
    "merged_to_id": "external_contacts",
    "messaging_campaign_id": "messaging_campaigns",
    "modified_by_id": "users",
    "open_hours_flow_id": "flows",
    "organization_id": "organization",
    "organization_presence_id": "presence_definitions",
    "outbound_campaign_id": "all_campaigns",
    "outbound_contact_list_id": "contact_lists",
    "outbound_route_id": "outbound_routes",
    "phone_id": "phones",
    "planning_group_id": "planning_groups",
    "predictor_id": "predictors",
    "primary_edge_id": "edges",
    "program_id": "sta_programs",
    "proposed_agent_id": "users",
    "published_by_id": "users",
    "queue_id": "queues",
    "active_skill_ids": "skills",
    "removed_skill_ids": "skills",
    "requested_language_id": "languages",
    "requested_routing_skill_ids": "skills",
    "requested_routing_user_ids": "users",
    "retention_policy_id": "media_retention_policies",
    "role_id": "roles",
    "rule_set_id": "rule_sets",
    "schedule_group_id": "schedule_groups",
    "schedule_id": "schedules",
    "screen_monitored_user_id": "users",
    "script_id": "scripts",
    "secondary_edge_id": "edges",
    "selected_agent_id": "users",
    "site_id": "sites",
    "skill_expression_id": "skill_expressions",
    "skill_group_id": "skill_groups",
    "skill_id": "skills",
    "station_id": "stations",
    "survey_form_context_id": "survey_forms",
    "survey_form_id": "survey_forms",
    "team_id": "teams",
    "topic_id": "sta_topics",
    "trunk_id": "trunks",
    "user_id": "users",
    "web_rtc_user_id": "users",
    "wrap_up_code": "wrapup_codes",
    "wrap_up_code_id": "wrapup_codes",
}
"""The table that lists the ids of a column, in whatever table the column is."""

OTHERWISE: Final[Mapping[Column, str]] = {
    ("survey_forms", "context_id"): "survey_forms",
    ("extensions", "owner_id"): "users",
}
"""Columns whose ids are of another table than ENTITY_OF says."""

_UNLISTED: Final = """
agent_assistant_id ai_scoring_id associated_conversation_id assessment_form_id
barged_participant_id calibration_id call_analysis_response_set_id caller_id
checked_in_version_id coached_participant_id cobrowse_room_id
consultation_conversation_ids contact_list_template_id conversation_id cover_art_id
current_operation_id debug_version_id default_role_id destination_conversation_id
destination_session_id edge_group_id evaluation_id extension_pool_id external_id
external_segment_id floorplan_id integration_type_id job_id journey_action_id
journey_customer_id journey_customer_session_id license_id line_base_settings_id
locked_client_id logical_interface_id login_id media_bridge_id
monitored_participant_id outbound_contact_id owner_id pairing_id participant_id
peer_id phone_base_settings_id phone_meta_base_id protocol_call_id
published_version_id room_id rule_id saved_version_id schema_id
screen_share_room_id secondary_status_id service_goal_template_id session_id
source_conversation_id source_session_id start_page_id status_id survey_id
template_id time_zone_id trunk_base_id trunk_metabase_id trustor_id twitter_id
version_id video_room_id worktype_id
"""
UNLISTED: Final = frozenset(_UNLISTED.split())
"""Ids of what no table of entities lists: conversations, versions, settings. An owner
of a number is a user, a phone, a call route or a group."""

FACTS: Final = (
    *("conversations", "evaluations", "flow_outcomes", "intervals"),
    *("media_endpoint_stats", "participants", "proposed_agents", "resolutions"),
    *("segments", "session_metrics", "sessions", "surveys", "user_presence"),
    "user_routing_status",
)

NEVER: Final = frozenset(
    {
        ("evaluations", "assignee_id"),
        ("proposed_agents", "user_id"),
    }
)
"""Links of facts that nothing in the sample has."""

CHILDREN: Final = [kind for kind in ENTITY_KINDS if kind.parent]


def a_conversation_that_names_everything(sample: Tenant) -> Document:
    """Return one with an id of each kind of entities that conversations can name."""

    def one(table: str) -> str:
        found: str = sample.entities[table][0]["id"]
        return found

    start, end = "1999-08-02T08:00:00.000Z", "1999-08-02T08:01:00.000Z"
    segment = {
        "segmentStart": start,
        "segmentEnd": end,
        "segmentType": "interact",
        "queueId": sample.queues[0].id,
        "groupId": one("groups"),
        "requestedLanguageId": one("languages"),
        "requestedRoutingSkillIds": [one("skills")],
        "requestedRoutingUserIds": [sample.users[1].id],
    }
    session = {
        "sessionId": "0b7a7c8e-1f0d-4c62-9f1e-6f6a5f0a0003",
        "mediaType": "voice",
        "direction": "outbound",
        "activeSkillIds": [one("skills")],
        "removedSkillIds": [one("skills")],
        "assignerId": sample.users[2].id,
        "journeyActionMapId": one("journey_action_maps"),
        "outboundCampaignId": one("campaigns"),
        "outboundContactListId": one("contact_lists"),
        "screenMonitoredUserId": sample.users[3].id,
        "scriptId": one("scripts"),
        "skillExpressionId": one("skill_expressions"),
        "segments": [segment],
    }
    participant = {
        "participantId": "0b7a7c8e-1f0d-4c62-9f1e-6f6a5f0a0002",
        "purpose": "agent",
        "userId": sample.users[0].id,
        "teamId": one("teams"),
        "externalContactId": one("external_contacts"),
        "externalOrganizationId": one("external_organizations"),
        "sessions": [session],
    }
    identity = "0b7a7c8e-1f0d-4c62-9f1e-6f6a5f0a0001"
    conversation = {
        "conversationId": identity,
        "conversationStart": start,
        "conversationEnd": end,
        "divisionIds": list(sample.divisions),
        "knowledgeBaseIds": [one("knowledge_bases")],
        "participants": [participant],
    }
    begun = int(datetime.fromisoformat(start).timestamp() * 1000)
    return Document(
        id=identity,
        start_ms=begun,
        end_ms=begun + 60_000,
        json=orjson.dumps(conversation),
        attributes=(b"{}",),
    )


def busy_tenant() -> Tenant:
    """Return the sample with presences, and conversations beside those of calls."""
    sample = sample_tenant()
    generated = generate_conversations(
        1,
        64,
        DAY,
        DAY + timedelta(hours=6),
        queue_ids=[queue.id for queue in sample.queues],
        user_ids=[user.id for user in sample.users],
    )
    definitions = sample.entities["presence_definitions"]
    presences = (
        Presence(
            user_id=user.id,
            system_presence=definition["systemPresence"].upper(),
            organization_presence_id=definition["id"],
            start=DAY + timedelta(minutes=number),
            end=DAY + timedelta(minutes=number + 1),
            routing_status="IDLE",
        )
        for user in sample.users
        for number, definition in enumerate(definitions)
    )
    documents = (*generated, a_conversation_that_names_everything(sample))
    return replace(sample, documents=documents, presences=tuple(presences))


@pytest.fixture(scope="module")
def database(
    simulator_thread: "SimulatorThread", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a database with every table of the sample organisation."""
    from tests.conftest import WIDE, Workspace  # noqa: PLC0415 - not while it loads

    folder = tmp_path_factory.mktemp("joins")
    simulator = Simulator(busy_tenant(), requests_allowed=WIDE)
    simulator_thread.do(simulator.start())
    try:
        workspace = Workspace(simulator, folder, simulator_thread)
        path = folder / "all.duckdb"
        metrics = ["nOffered", "tHandle", "tAnswered"]
        figures = {"granularity": "P1D", "metrics": metrics, "group_by": list(GROUPS)}
        export(workspace, path, "conversation-aggregates", ["intervals"], **figures)
        export(workspace, path, "conversation-details", list(ENTITY_TABLES))
        export(workspace, path, "conversation-details", "all")
        export(workspace, path, "user-details", "all")
    finally:
        simulator_thread.do(simulator.stop())
    with duckdb.connect(str(path), read_only=True) as database:
        yield database


def export(
    workspace: Any, path: "Path", endpoint: str, tables: "str | list[str]", **query: Any
) -> None:
    """Run a job that writes tables into the database."""
    job = workspace.write(
        endpoint,
        exports=[{"exporter": "duckdb", "tables": tables, "path": str(path)}],
    )
    written = orjson.loads(job.read_bytes())
    written["query"] = {"endpoint": endpoint, **DAYS, **query}
    job.write_bytes(orjson.dumps(written))
    from gcbatch import load_job, run  # noqa: PLC0415 - as above

    run(load_job(job, environ=workspace.environ))


@pytest.fixture(scope="module")
def columns(database: duckdb.DuckDBPyConnection) -> list[Column]:
    """Return the columns of ids."""
    return database.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE regexp_matches(column_name, '_ids?$|^wrap_up_code$') "
        "AND table_name NOT LIKE '_gcbatch%'"
    ).fetchall()


def target_of(column: Column) -> str:
    """Return the table of what a column has ids of; empty if none lists it."""
    return OTHERWISE.get(column) or ENTITY_OF.get(column[1], "")


def orphans(database: duckdb.DuckDBPyConnection, column: Column) -> list[Any]:
    """Return the ids of a column that the table of its entities does not have."""
    table, name = column
    target = target_of(column)
    key = entity_kind(target).id_column
    ids = f'"{name}"'
    if name.endswith("_ids"):
        ids = f"unnest(from_json({ids}, '[\"VARCHAR\"]'))"
    return database.execute(
        f'SELECT DISTINCT id FROM (SELECT {ids} AS id FROM "{table}") '  # noqa: S608 - our own names
        f'ANTI JOIN (SELECT "{key}" AS id FROM "{target}") USING (id) '
        "WHERE id IS NOT NULL"
    ).fetchall()


def test_all_tables_are_there(database: duckdb.DuckDBPyConnection) -> None:
    """Those of entities and those of facts, and none that these tests do not know."""
    found = database.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    tables = {name for (name,) in found if not name.startswith("_gcbatch")}

    no_ids = {"conversations_nested", "participant_attributes"}
    assert tables == {*ENTITY_TABLES, *FACTS, *no_ids}


def test_every_id_is_known(columns: list[Column]) -> None:
    """Each column of ids belongs to a table, or is one of those that none lists."""
    unknown = [
        column
        for column in columns
        if not target_of(column) and column[1] not in UNLISTED
    ]

    assert not unknown
    assert not UNLISTED & ENTITY_OF.keys()
    assert set(ENTITY_OF.values()) <= set(ENTITY_TABLES)
    assert {name for _, name in columns} >= UNLISTED


@pytest.mark.parametrize("table", [*FACTS, *ENTITY_TABLES])
def test_ids_have_no_orphans(
    table: str,
    database: duckdb.DuckDBPyConnection,
    columns: list[Column],
) -> None:
    """Each id in each row is in the table that lists it."""
    links = [c for c in columns if c[0] == table and target_of(c)]

    assert links
    assert not {c: found for c in links if (found := orphans(database, c))}


@pytest.mark.parametrize("table", FACTS)
def test_facts_have_ids(
    table: str,
    database: duckdb.DuckDBPyConnection,
    columns: list[Column],
) -> None:
    """So that the rule above is not kept by columns of nulls."""
    links = [c for c in columns if c[0] == table and target_of(c)]
    counts = {
        (table, name): database.execute(
            f'SELECT count("{name}") FROM "{table}"'  # noqa: S608 - our own names
        ).fetchone()
        for _, name in links
    }

    assert {column for column, count in counts.items() if count == (0,)} <= NEVER


@pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.table)
def test_children_join_both_sides(
    kind: EntityKind, database: duckdb.DuckDBPyConnection
) -> None:
    """A row of a link has a parent and an entity, and no pair comes twice."""
    parent = entity_kind(kind.parent)
    own = ENTITY_OF[kind.id_column]
    joined = database.execute(
        f'SELECT count(*), count(DISTINCT (l."{parent.id_column}", "{kind.id_column}"))'  # noqa: S608 - our own names
        f' FROM "{kind.table}" l JOIN "{parent.table}" p USING ("{parent.id_column}")'
        f' JOIN (SELECT DISTINCT "{entity_kind(own).id_column}" AS "{kind.id_column}"'
        f' FROM "{own}") e USING ("{kind.id_column}")'
    ).fetchone()
    rows = database.execute(f'SELECT count(*) FROM "{kind.table}"').fetchone()  # noqa: S608 - as above

    assert rows is not None
    assert joined == (rows[0], rows[0])
    assert rows[0] > 0
