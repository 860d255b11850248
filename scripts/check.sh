#!/usr/bin/env bash
# Every check there is, in the order in which they are quick: lint, format, types, imports, tests.
# Arguments go to pytest, which runs twice: two processes share what may run beside other tests, the rest runs
# alone (tests/conftest.py says which).  Both parts run to their end; either's failure is the whole's.
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

nothing_chosen=5 # what pytest exits with then
statuses=()
tests() {
    local status=0
    pytest -q "$@" || status=$?
    statuses+=("$status")
}
# A machine that has jackd must pass the driver tests; one thread, since the engine's clock runs beside
if command -v jackd >/dev/null; then export TWOBAR_REQUIRE_DRIVERS=1; fi
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
heading "tests that may run beside others"
tests --part parallel -n 2 "$@"
heading "tests that run alone"
tests --part serial "$@" -n 0
for status in "${statuses[@]}"; do
    ((status == 0 || status == nothing_chosen)) || exit "$status"
done
[[ ${statuses[*]} != "$nothing_chosen $nothing_chosen" ]] || exit "$nothing_chosen"
