"""Faults that the simulator can make."""
