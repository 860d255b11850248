#!/usr/bin/env bash
# Every check there is, in the order in which they are quick: lint, format, types, imports, tests.
# Arguments go to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH=$PWD/.venv/bin:$PATH

heading() { printf '\n== %s\n' "$*"; }

heading "ruff"
ruff check .
ruff format --check .
heading "mypy"
mypy
heading "import contracts"
lint-imports
heading "tests"
# A machine that has jackd must pass the driver tests; one thread, since the engine's clock runs beside
if command -v jackd >/dev/null; then export TWOBAR_REQUIRE_DRIVERS=1; fi
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
exec pytest -q "$@"
