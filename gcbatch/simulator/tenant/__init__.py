"""What an org has: queues, users, and made-up or replayed days."""
