"""Codecs: a Phrase to tensors and back, each losing nothing that it claims to keep."""
