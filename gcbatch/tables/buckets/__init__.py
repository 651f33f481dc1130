"""Tables of whatever answers in buckets: a file each, named for it."""
