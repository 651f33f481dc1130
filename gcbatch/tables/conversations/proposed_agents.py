"""The table `proposed_agents`: a row for each agent that was proposed."""

from typing import Final

from gcbatch.genesys import PROPOSED_AGENT
from gcbatch.tables.documents.record_table import record_table
from gcbatch.tables.documents.shapes import (
    IN_SESSION,
    PARTICIPANTS,
    SESSIONS,
    fields,
)

__all__ = ["table"]

table: Final = record_table(
    "proposed_agents",
    PROPOSED_AGENT,
    (*SESSIONS, "proposedAgents"),
    *fields(PARTICIPANTS, "purpose", "userId"),
    *fields(SESSIONS, "mediaType", "direction"),
    number="proposed_agent_number",
    identity=IN_SESSION,
    key=("conversation_id", "session_number"),
    level=len(SESSIONS),
)
