"""Answers to queries for details."""
