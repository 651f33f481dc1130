"""Measurements that take minutes; see README.md."""
