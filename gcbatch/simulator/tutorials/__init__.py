"""The endpoints of the two tutorials."""
