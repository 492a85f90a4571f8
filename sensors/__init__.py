"""Makes samples: one driver a file."""
