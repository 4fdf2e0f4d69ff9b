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
BENCH_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test unit slow check format lint types contracts bench docs wheels lock clean

help:
	@echo "make demo    the quickstart on real flight data, with an embedded database"
	@echo "make test    every test that this machine can run, with a table of what was tested live"
	@echo "make check   all that CI does: format, lint, types, contracts, tests, docs, wheels"
	@echo "also: setup unit slow format lint types contracts bench docs wheels lock clean"

setup: $(DEV)

# The stamp is as old as the beginning of the work: what is edited meanwhile is built the next time.
$(DEV): $(PROJECTS)
	@mkdir -p .cache && touch .cache/dev.stamp
	$(BOOT) dev
	@mv .cache/dev.stamp $@

$(WHEELS): $(PROJECTS) $(SOURCES)
	@mkdir -p .cache && touch .cache/wheels.stamp
	$(BOOT) wheels
	@mv .cache/wheels.stamp $@

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
	@failed=0; \
	$(PY) -m ruff format --check --quiet . || failed=1; \
	$(PY) -m ruff check . || failed=1; \
	$(PY) -m codespell_lib || failed=1; \
	exit $$failed

types: $(DEV) $(WHEELS)
	@failed=0; $(PY) -m mypy || failed=1; $(WPY) tools/check_types.py || failed=1; exit $$failed

contracts: $(WHEELS)
	.venv-wheels/bin/lint-imports --cache-dir .cache/import-linter

bench: $(DEV)
	$(PY) -m bench $(BENCH_ARGS)

docs: $(DEV)
	@if [ -f mkdocs.yml ]; then NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet --site-dir .cache/site; \
	else echo "docs: there is no mkdocs.yml"; fi

wheels: $(WHEELS)
	$(WPY) tools/check_wheels.py .cache/wheels

lock:
	$(BOOT) lock

# Every step runs, also after one failed, each as a make of its own: so they keep this order under make -j, and
# the summary of the tests and the table of backends are the last thing to be read.
CHECKS := lint types contracts docs wheels test
check:
	@failed=; for step in $(CHECKS); do \
		echo "== make $$step"; $(MAKE) --no-print-directory $$step || failed="$$failed $$step"; \
	done; \
	if [ -n "$$failed" ]; then echo "== FAILED:$$failed"; else echo "== all of it passed: $(CHECKS)"; fi; \
	cat .cache/backends.txt; \
	[ -z "$$failed" ]

clean:
	rm -rf .venv .venv-wheels .cache .ruff_cache .mypy_cache .pytest_cache
