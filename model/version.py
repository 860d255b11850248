"""The version of everything that is installed together.

Tested in tests/test_contracts.py.
"""

VERSION = "0.1.0"
