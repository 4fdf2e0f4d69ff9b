# Every target sets itself up from nothing: a plain python3 is all that is assumed.
# What was fetched lives in .cache, .venv and .venv-wheels, all ignored by git; repeats are fast.

PYTHON3 ?= python3
BOOT := $(PYTHON3) tools/bootstrap.py
PY := .venv/bin/python
WPY := .venv-wheels/bin/python
MEMBERS := runic-core runic-falkordb runic-bolt runic-age runic-migrate
PROJECTS := pyproject.toml constraints.txt tools/bootstrap.py $(MEMBERS:%=%/pyproject.toml)
SOURCES := $(shell find $(MEMBERS) -path '*/src/*' -type f -not -name '*.pyc' 2>/dev/null)
DEV := .venv/.stamp
WHEELS := .venv-wheels/.stamp
PYTEST_ARGS ?=

export PYTHONDONTWRITEBYTECODE =
.DEFAULT_GOAL := help
.PHONY: help setup demo test unit slow check format lint types contracts bench docs wheels lock clean

help:
	@echo "make demo    the quickstart on real flight data, with an embedded database"
	@echo "make test    every test that this machine can run, with a table of what was tested live"
	@echo "make check   all that CI does: format, lint, types, contracts, tests, docs, wheels"
	@echo "also: setup unit slow format lint types contracts bench docs wheels lock clean"

setup: $(DEV)

$(DEV): $(PROJECTS)
	$(BOOT) dev
	@touch $@

$(WHEELS): $(PROJECTS) $(SOURCES)
	$(BOOT) wheels
	@touch $@

demo: $(DEV)
	$(PY) -m examples.flights

test: $(DEV)
	$(PY) -m pytest -m "not slow" --cov --cov-report=term $(PYTEST_ARGS)

unit: $(DEV)
	$(PY) -m pytest tests/unit -q $(PYTEST_ARGS)

slow: $(DEV)
	$(PY) -m pytest -m slow $(PYTEST_ARGS)

format: $(DEV)
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format .

lint: $(DEV)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m codespell_lib

types: $(DEV) $(WHEELS)
	$(PY) -m mypy
	$(PY) tools/check_types.py

contracts: $(WHEELS)
	.venv-wheels/bin/lint-imports --cache-dir .cache/import-linter

bench: $(DEV)
	$(PY) -m bench

docs: $(DEV)
	@if [ -f mkdocs.yml ]; then $(PY) -m mkdocs build --strict --quiet --site-dir .cache/site; \
	else echo "docs: there is no mkdocs.yml"; fi

wheels: $(WHEELS)
	$(PY) tools/check_wheels.py .cache/wheels

lock:
	$(BOOT) lock

# Each step is a make of its own, so that they run in this order also under make -j, and the summary of the
# tests and the table of backends are the last thing to be read.
check:
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory contracts
	@$(MAKE) --no-print-directory docs
	@$(MAKE) --no-print-directory wheels
	@$(MAKE) --no-print-directory test

clean:
	rm -rf .venv .venv-wheels .cache .ruff_cache .mypy_cache .pytest_cache
