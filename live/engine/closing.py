"""Closing many things of which any may fail: each under its own guard, each failure told."""

from collections.abc import Callable


class Guard:
    """Runs the steps of an ending.

    Args:
        told: gets one sentence for each step that failed.

    """

    def __init__(self, told: Callable[[str], object]) -> None:
        """Take whom to tell."""
        self._told = told

    def __call__(self, sentence: str, step: Callable[[], object]) -> bool:
        """Run a step; when it fails, tell the sentence and why.  False when it failed."""
        try:
            step()
        except Exception as fault:  # noqa: BLE001  whatever it was, the next step must come
            self._told(f"{sentence}: {' '.join(str(fault).split()) or type(fault).__name__}")
            return False
        return True

    def tell(self, sentence: str) -> None:
        """Tell a fault that a step kept to itself, if there was one."""
        if sentence:
            self._told(sentence)
