"""The table `media_endpoint_stats`: a row for each statistic of a session's media."""

from typing import Final

from gcbatch.genesys import MEDIA_ENDPOINT_STAT
from gcbatch.tables.documents.record_table import record_table
from gcbatch.tables.documents.shapes import (
    IN_SESSION,
    PARTICIPANTS,
    SESSIONS,
    fields,
)

__all__ = ["table"]

table: Final = record_table(
    "media_endpoint_stats",
    MEDIA_ENDPOINT_STAT,
    (*SESSIONS, "mediaEndpointStats"),
    *fields(PARTICIPANTS, "purpose", "userId"),
    *fields(SESSIONS, "mediaType", "direction"),
    number="stat_number",
    identity=IN_SESSION,
    key=("conversation_id", "session_number"),
    level=len(SESSIONS),
)
