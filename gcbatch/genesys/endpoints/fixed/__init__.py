"""Endpoints with figures and groups of their own: a file each, named for it."""
