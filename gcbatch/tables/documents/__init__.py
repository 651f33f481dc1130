"""From documents to the columns of a table.

A part of details has a row for each document: `id`, `at` (when it began) and the JSON.
`table` turns a part's batches into rows, one RowBuilder for each kind of table:

1. A `Shape` declares the table: the path of lists from a document to the records that
   make a row each, and the columns. `columns` names the source of each column.
2. `arrow_reader` reads the fields that the columns need, and no others, with Arrow's
   JSON reader. Documents that this refuses go to `lenient_reader`, field by field.
3. `unnest` turns the nested lists into flat levels. For the path (participants,
   sessions), level 0 is conversations, level 1 their participants, level 2 the
   sessions of these. Each record of a level knows its parent in the level above.
4. `raw_fields` takes out of the JSON, as it was sent, what has no typed column: fields
   declared as JSON, unknown fields, and values of a wrong type (column `extra`).
5. `row_builder` makes a column of each source: `json_text` writes lists as JSON,
   `conversation_figures` computes sums over a whole conversation.

`user_table` also drops records that two windows share. All work is on columns, a batch
of documents at a time.
"""
