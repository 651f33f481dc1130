"""Tables of conversation details: a file each, named for it."""
