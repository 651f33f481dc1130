"""DuckDB's `read_json` and `unnest`: conversations of a file to seven Parquet tables.

    python -m benchmarks.duckdb_tables DOCUMENTS FOLDER

DOCUMENTS are JSON Lines. They are read once into a table in memory: to read the file
again for each table takes longer. DuckDB chooses the columns by the first documents.
The tables lack what gcbatch computes, such as `handle_ms`, which is in DuckDB's favour.
"""

import sys
from pathlib import Path
from typing import Final

import duckdb

PREPARE: Final = """
CREATE TABLE documents AS
  FROM read_json('{documents}', format = 'newline_delimited');
CREATE VIEW of_participants AS
  SELECT conversationId, conversationStart, unnest(participants) AS p,
    generate_subscripts(participants, 1) AS participant_number
  FROM documents;
CREATE VIEW of_sessions AS
  SELECT * EXCLUDE p, p.participantId, p.purpose, p.userId,
    unnest(p.sessions) AS s, generate_subscripts(p.sessions, 1) AS session_number
  FROM of_participants;
CREATE VIEW of_segments AS
  SELECT * EXCLUDE s, s.sessionId, s.mediaType, s.direction,
    unnest(s.segments) AS r, generate_subscripts(s.segments, 1) AS segment_number
  FROM of_sessions;
CREATE VIEW of_metrics AS
  SELECT * EXCLUDE s, s.sessionId,
    unnest(s.metrics) AS r, generate_subscripts(s.metrics, 1) AS metric_number
  FROM of_sessions;
"""

TABLES: Final = {
    "conversations": """
      SELECT * EXCLUDE participants, len(participants) AS participants FROM documents
    """,
    "conversations_nested": """
      SELECT json ->> 'conversationId' AS conversationId, json AS conversation
      FROM read_ndjson_objects('{documents}')
    """,
    "participants": """
      SELECT * EXCLUDE p, p.* EXCLUDE (attributes, sessions) FROM of_participants
    """,
    "participant_attributes": """
      UNPIVOT (
        SELECT * EXCLUDE p, p.participantId, unnest(p.attributes) FROM of_participants
      )
      ON COLUMNS(* EXCLUDE (
        conversationId, conversationStart, participantId, participant_number
      ))
    """,
    "sessions": "SELECT * EXCLUDE s, s.* EXCLUDE (metrics, segments) FROM of_sessions",
    "segments": "SELECT * EXCLUDE r, r.* FROM of_segments",
    "session_metrics": "SELECT * EXCLUDE r, r.* FROM of_metrics",
}


def main() -> None:
    """Write the tables that the command line asks for."""
    documents, folder = sys.argv[1:]
    Path(folder).mkdir()
    with duckdb.connect() as database:
        database.execute(PREPARE.format(documents=documents))
        for name, query in TABLES.items():
            path = Path(folder) / f"{name}.parquet"
            database.execute(
                f"COPY ({query.format(documents=documents)}) TO '{path}' "
                "(FORMAT parquet, COMPRESSION zstd)"
            )


if __name__ == "__main__":
    main()
