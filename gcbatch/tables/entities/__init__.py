"""A registry folder: tables of what the org lists, a file each."""
