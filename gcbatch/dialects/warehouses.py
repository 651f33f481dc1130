"""The dialects of warehouses: by their manuals, as none of them can be run by tests."""

from typing import Final

from gcbatch.dialects.dialect import Dialect
from gcbatch.dialects.kinds import WHOLE_NUMBERS, Kind

__all__ = ["BIGQUERY", "DATABRICKS", "FABRIC", "REDSHIFT", "SNOWFLAKE", "SQLSERVER"]

SNOWFLAKE: Final = Dialect(
    # COPY with USE_LOGICAL_TYPE loads UTC-adjusted times of Parquet as TIMESTAMP_LTZ;
    # without, it takes them for times of the session's zone.
    # Source: docs.snowflake.com, "Data types", "CREATE FILE FORMAT", "Identifier
    # requirements" (unquoted names are upper case, 255 characters); issues 1687 and
    # 1820 of snowflakedb/snowflake-connector-python; read 2026-11-27.
    name="snowflake",
    types={
        Kind.BOOL: "BOOLEAN",
        # As many digits as an int64 has.
        **dict.fromkeys(WHOLE_NUMBERS, "NUMBER(19, 0)"),
        Kind.FLOAT32: "FLOAT",
        Kind.FLOAT64: "FLOAT",
        Kind.TEXT: "VARCHAR",
        Kind.INSTANT: "TIMESTAMP_LTZ",
        Kind.LOCAL_TIME: "TIMESTAMP_NTZ",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "NUMBER({precision}, {scale})",
        Kind.BINARY: "BINARY",
        Kind.TEXTS: "ARRAY",
    },
    comments="inline",
    max_digits=9,
    backslashes=True,
    max_name=255,
    is_case_sensitive=True,
    upper=True,
)

BIGQUERY: Final = Dialect(
    # Source: docs.cloud.google.com/bigquery, "Data types", "Specify a schema" (names of
    # columns, descriptions of 1,024 letters), "Load Parquet data from Cloud Storage";
    # read 2026-11-27.
    name="bigquery",
    types={
        Kind.BOOL: "BOOL",
        **dict.fromkeys(WHOLE_NUMBERS, "INT64"),
        Kind.FLOAT32: "FLOAT64",
        Kind.FLOAT64: "FLOAT64",
        Kind.TEXT: "STRING",
        Kind.INSTANT: "TIMESTAMP",
        Kind.LOCAL_TIME: "DATETIME",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "BIGNUMERIC({precision}, {scale})",
        Kind.BINARY: "BYTES",
        Kind.TEXTS: "ARRAY<STRING>",
    },
    comments="options",
    quotes=("`", "`"),
    backslashes=True,
    quote_in_text=r"\'",
    max_name=300,
    refused='!"$()*,./;?@[\\]^`{}~',
)

REDSHIFT: Final = Dialect(
    # COPY reads Parquet by Redshift Spectrum, which has no timestamp with a zone: the
    # instants are TIMESTAMP in UTC.
    # Source: docs.aws.amazon.com/redshift, "COPY from columnar data formats", "Names
    # and identifiers" (127 bytes, ASCII letters become small), "COMMENT", "VARBYTE
    # type", "Supported data types with Apache Iceberg tables" (no timestamptz);
    # read 2026-11-27.
    name="redshift",
    types={
        Kind.BOOL: "BOOLEAN",
        Kind.INT8: "SMALLINT",
        Kind.INT16: "SMALLINT",
        Kind.INT32: "INTEGER",
        Kind.INT64: "BIGINT",
        Kind.UINT8: "SMALLINT",
        Kind.UINT16: "INTEGER",
        Kind.UINT32: "BIGINT",
        Kind.FLOAT32: "REAL",
        Kind.FLOAT64: "DOUBLE PRECISION",
        Kind.TEXT: "VARCHAR(65535)",
        Kind.INSTANT: "TIMESTAMP",
        Kind.LOCAL_TIME: "TIMESTAMP",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "DECIMAL({precision}, {scale})",
        Kind.BINARY: "VARBYTE(16777216)",
    },
    comments="statements",
    max_scale=37,
    backslashes=True,
    max_name=127,
    instants_lack_zone=True,
)

SQLSERVER: Final = Dialect(
    # Also for Azure SQL and the SQL database in Fabric. An index takes 900 bytes of a
    # clustered key: 450 letters.
    # Source: learn.microsoft.com/sql, "Data types", "sp_addextendedproperty" (where it
    # exists, 7,500 bytes), "Database identifiers" (128 letters); read 2026-11-27.
    name="sqlserver",
    types={
        Kind.BOOL: "BIT",
        Kind.INT8: "SMALLINT",
        Kind.INT16: "SMALLINT",
        Kind.INT32: "INT",
        Kind.INT64: "BIGINT",
        Kind.UINT8: "SMALLINT",
        Kind.UINT16: "INT",
        Kind.UINT32: "BIGINT",
        Kind.FLOAT32: "REAL",
        Kind.FLOAT64: "FLOAT(53)",
        Kind.TEXT: "NVARCHAR(MAX)",
        Kind.INSTANT: "DATETIMEOFFSET({digits})",
        Kind.LOCAL_TIME: "DATETIME2({digits})",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "DECIMAL({precision}, {scale})",
        Kind.BINARY: "VARBINARY(MAX)",
    },
    comments="properties",
    quotes=("[", "]"),
    max_name=128,
    key_text="NVARCHAR(450)",
    text_prefix="N",
    nullable=" NULL",
    schema="dbo",
)

FABRIC: Final = Dialect(
    # The Warehouse in Fabric has neither nvarchar nor datetimeoffset, and no extended
    # properties.
    # Source: learn.microsoft.com/fabric, "Data types in Fabric Data Warehouse";
    # learn.microsoft.com/sql, "sp_addextendedproperty"; read 2026-11-27.
    name="fabric",
    types={
        **SQLSERVER.types,
        Kind.TEXT: "VARCHAR(MAX)",
        Kind.INSTANT: "DATETIME2(6)",
        Kind.LOCAL_TIME: "DATETIME2(6)",
    },
    comments="lines",
    quotes=("[", "]"),
    max_name=128,
    key_text="VARCHAR(900)",
    nullable=" NULL",
    instants_lack_zone=True,
)

DATABRICKS: Final = Dialect(
    # Without column mapping, names of columns may not have what Parquet refuses.
    # Source: docs.databricks.com, "Data types", "Names" (255 letters), "Rename and drop
    # columns with Delta Lake column mapping"; read 2026-11-27.
    name="databricks",
    types={
        Kind.BOOL: "BOOLEAN",
        Kind.INT8: "TINYINT",
        Kind.INT16: "SMALLINT",
        Kind.INT32: "INT",
        Kind.INT64: "BIGINT",
        Kind.UINT8: "SMALLINT",
        Kind.UINT16: "INT",
        Kind.UINT32: "BIGINT",
        Kind.FLOAT32: "FLOAT",
        Kind.FLOAT64: "DOUBLE",
        Kind.TEXT: "STRING",
        Kind.INSTANT: "TIMESTAMP",
        Kind.LOCAL_TIME: "TIMESTAMP_NTZ",
        Kind.DATE: "DATE",
        Kind.DECIMAL: "DECIMAL({precision}, {scale})",
        Kind.BINARY: "BINARY",
        Kind.TEXTS: "ARRAY<STRING>",
    },
    comments="inline",
    quotes=("`", "`"),
    backslashes=True,
    quote_in_text=r"\'",
    max_name=255,
    refused=" ,;{}()\n\t=",
)
