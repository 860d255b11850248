"""Decoders: what writes a phrase."""
