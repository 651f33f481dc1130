"""Aggregates: 19 families of figures, by query or by async job."""
