"""A row of the doctor's report.

Tested in tests/live/cli/diagnostics/test_doctor.py.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the machine, examined: a line of the report.

    Attributes:
        what: the part.
        ok: whether it was found.
        text: one sentence.
        fix: the command that gets it; "" where there is none.
        needed: whether the instrument cannot play without it.
        otherwise: what it is called where it is not ok.
    """

    what: str
    ok: bool
    text: str
    fix: str = ""
    needed: bool = False
    otherwise: str = "missing"
