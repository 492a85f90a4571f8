"""Showing a running line."""
