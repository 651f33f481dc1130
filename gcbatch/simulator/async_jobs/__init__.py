"""Async jobs of the service: their life cycle, and their results in pages."""
