"""What others offer for the same work, each a program in an environment of its own."""
