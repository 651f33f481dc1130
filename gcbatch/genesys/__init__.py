"""All that knows the service: its hosts, limits, credentials, errors and shapes."""
