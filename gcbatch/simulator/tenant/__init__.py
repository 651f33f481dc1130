"""The data of an organisation: queues, users, and generated or replayed days."""
