"""Tables of what ids stand for: a file each, named for it."""
