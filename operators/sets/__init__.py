"""Folders of recordings in the layout in which they were published, as items to learn from and to be tested on."""
