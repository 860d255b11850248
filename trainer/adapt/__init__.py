"""Adapting a checkpoint to a performer's own phrases."""
