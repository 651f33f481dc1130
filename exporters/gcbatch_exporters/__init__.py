"""The shipped exporters: csv, json and parquet, through the same door as anyone's."""
