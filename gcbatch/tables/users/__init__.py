"""Tables of user details: a file each, named for it."""
