"""Other tools for the same work; each is a program in its own environment."""
