"""A registry folder: tables of conversation details, a file each."""
