# make jam     set up what playing needs, and play:  make jam ARGS="--mode answer --bpm 96"
# make test    set everything up and run every check
# make bench   measure the budgets and write docs/benchmarks.md:  make bench ARGS="--hours 1";
#              ARGS=--quick tries every measure, without a page, in some seven minutes
# make docs    write the documents' tables anew
# make setup   set up for development, without running anything
# make clean   remove what setting up and checking made

SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.PHONY: jam test bench docs setup clean help
.SILENT:

BIN := .venv/bin

jam:
	scripts/setup.sh core
	exec $(BIN)/twobar jam $(ARGS)

test:
	scripts/setup.sh dev
	exec scripts/check.sh $(ARGS)

bench:
	scripts/setup.sh dev
	exec $(BIN)/python -m benchmarks $(ARGS)

docs:
	scripts/setup.sh dev
	$(BIN)/python -m scripts.tables

setup:
	scripts/setup.sh dev

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:
	sed -n 's/^# //p' Makefile
