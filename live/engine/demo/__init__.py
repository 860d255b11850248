"""The demo: a performer for those who have no keyboard at hand."""
