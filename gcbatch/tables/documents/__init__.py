"""From documents to the columns of a table.

A part of details has a row for each document: `id`, `at` (when it began) and the JSON.
`table` turns a part's batches into the rows of several tables at once:

1. A `Shape` declares each table: the path of lists from a document to the records that
   make a row each, and the columns. `columns` names the source of each column.
2. `document_reader` reads the fields that some column needs and that occur in the
   part, once for all tables, with Arrow's JSON reader (`arrow_reader`). Documents that
   this refuses go to `lenient_reader`, field by field.
3. `document_batch` holds what tables share. `unnest` turns the nested lists into flat
   levels: for the path (participants, sessions), level 0 is conversations, level 1
   their participants, level 2 the sessions of these. Each record of a level knows its
   parent in the level above.
4. `raw_fields` takes out of the JSON, as it was sent, what has no typed column: fields
   declared as JSON, unknown fields, and values of a wrong type (column `extra`).
5. `row_builder` makes a table's columns of these: `json_text` writes lists as JSON,
   `conversation_figures` computes sums over a whole conversation.

`record_table` makes a table of lists that conversations or sessions keep as JSON: its
shape is that of the owners, and `json_records` reads the lists by a model.

`user_table` also drops records that two windows share. All work is on columns, a batch
of documents at a time.
"""
