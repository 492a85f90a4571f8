"""The commands of ``rigbind``: one file a command; only these files know every room."""
