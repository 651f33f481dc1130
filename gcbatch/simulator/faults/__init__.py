"""Faults that the simulator can be told to make."""
