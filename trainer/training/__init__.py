"""Fitting a model: the loop, its memory, its state, what it shows."""
