"""Collects this package's tests only where it is installed."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("gcbatch_sqlite") else ["*"]
