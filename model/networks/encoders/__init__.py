"""Encoders: what reads a phrase."""
