"""A registry folder: endpoints with figures and groups of their own, a file each."""
