"""A process that stands when it is told to: what its Python runs before all else."""

from pathlib import Path

HOOK = """
import signal

def stand(*_):
    while True:
        {how}

signal.signal(signal.SIGUSR2, stand)
"""
SPINS = "pass"


def stands_on_signal(folder: Path, how: str) -> Path:
    """Write what lets every Python with this folder in its path do so on SIGUSR2; returns the folder.

    Args:
        how: what it does again and again from then on.
    """
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(HOOK.format(how=how))
    return folder
