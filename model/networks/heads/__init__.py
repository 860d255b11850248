"""Heads: the torch side of the codecs, step by step."""
