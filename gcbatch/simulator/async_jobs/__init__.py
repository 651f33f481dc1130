"""Async jobs of the service: submitted, worked on, fetched by cursor."""
