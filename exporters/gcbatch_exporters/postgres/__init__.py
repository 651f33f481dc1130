"""The exporter to PostgreSQL."""

from gcbatch_exporters.postgres.exporter import PostgresExporter, PostgresOptions

__all__ = ["PostgresExporter", "PostgresOptions"]
