"""What embeddings throw away: faults that raw samples show, and motion, sound and numbers that are not as usual."""
