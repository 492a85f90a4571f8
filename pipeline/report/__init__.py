"""One page about one replay, whole in one file."""
