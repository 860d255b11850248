"""Mapping files: what a file may say, reading it, writing into it, and which files there are."""
