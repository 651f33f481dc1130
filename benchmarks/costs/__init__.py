"""A guard on costs: it counts instructions, which a busy machine does not change."""
