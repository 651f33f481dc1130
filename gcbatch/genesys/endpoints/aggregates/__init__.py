"""Aggregates: figures of groups by interval, of 19 families."""
