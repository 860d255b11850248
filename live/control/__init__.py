"""Hands on the knobs: controllers by their mapping files, other programs by OSC."""
