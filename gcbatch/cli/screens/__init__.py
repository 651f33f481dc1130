"""What a terminal shows of plans, runs, tables, the store and checks."""
