"""A registry folder: each file is an endpoint with fixed figures, a FixedEndpoint."""
