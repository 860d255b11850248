"""Musical edits of phrases, exact and without a network."""
