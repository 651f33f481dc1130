"""From the documents of a part to the columns of a table."""
