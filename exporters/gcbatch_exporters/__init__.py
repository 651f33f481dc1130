"""The shipped exporters, registered by entry points like any plugin."""
