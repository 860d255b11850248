"""Where the repository lies: what tests of documents, configurations and subprocesses read."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
