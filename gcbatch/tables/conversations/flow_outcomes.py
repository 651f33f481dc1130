"""The table `flow_outcomes`: a row for each outcome of a flow.

A flow may reach an outcome twice in a session: the number makes them two rows.
"""

from typing import Final

from gcbatch.genesys import FLOW_OUTCOME
from gcbatch.tables.documents.record_table import record_table
from gcbatch.tables.documents.shapes import IN_SESSION, SESSIONS, fields

__all__ = ["table"]

_FLOW: Final = ("flow_id", "flow_name", "flow_type", "flow_version")

table: Final = record_table(
    "flow_outcomes",
    FLOW_OUTCOME,
    (*SESSIONS, "flow", "outcomes"),
    *fields(SESSIONS, "mediaType", "direction"),
    *(c for c in fields(SESSIONS, "flow", named=False) if c.field.name in _FLOW),
    number="outcome_number",
    identity=IN_SESSION,
    key=("conversation_id", "session_number"),
    level=len(SESSIONS),
)
