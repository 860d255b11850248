"""A learned writer of notes: continues, fills in and accompanies, given everything that is fixed."""
