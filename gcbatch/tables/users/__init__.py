"""A registry folder: tables of user details, a file each."""
