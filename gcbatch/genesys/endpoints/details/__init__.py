"""Details: conversations and users, each as it was sent."""
