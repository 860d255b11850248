"""Closing many things of which any may fail: each under a guard, each failure reported."""

from collections.abc import Callable

CRASHED = 70
"""Exit status of an engine that another one should follow; see the supervisor."""


class Guard:
    """Runs the steps of an ending.  `report`: gets one sentence for each step that failed."""

    def __init__(self, report: Callable[[str], object]) -> None:
        self._report = report

    def __call__(self, sentence: str, step: Callable[[], object]) -> bool:
        """Run a step; when it fails, report the sentence and why.  False when it failed."""
        try:
            step()
        except Exception as fault:  # noqa: BLE001  whatever it was, the next step must come
            self._report(f"{sentence}: {' '.join(str(fault).split()) or type(fault).__name__}")
            return False
        return True

    def report(self, sentence: str) -> None:
        """Report a fault that a step did not raise, if there was one."""
        if sentence:
            self._report(sentence)
