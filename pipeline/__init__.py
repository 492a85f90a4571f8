"""Moves and keeps data: from the wire to events."""
