"""A registry folder: tables of aggregates, a file each."""
