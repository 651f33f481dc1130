"""A guard on costs: instructions counted, which are the same on a loud machine."""
