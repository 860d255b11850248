"""Tempo and bar line found from the playing alone."""
