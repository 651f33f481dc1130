"""Answers to queries for aggregates."""
