"""Scenes, songs, and undo: the whole state of a jam, stored, called back and taken back."""
