# `make run` and `make test` set everything up on a fresh machine and then do their job.
#   make run ARGS='--quick --seeds 3'     more arguments for `lockstep run all --backend both --report`
#   make test PYTEST_ARGS='-n 2'          more arguments for pytest
#   make soak FAULTS=50                   fewer faults than 200
#   make test-portable PORTABLE_ARGS=--short    two processors, not all
#   make test PYTHON=python3.12           the interpreter that .venv is made from

PYTHON ?= python3
ARGS ?=
FAULTS ?= 200
PORTABLE_ARGS ?=
PYTEST_ARGS ?= -n auto --maxprocesses 4 --dist worksteal

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OLDEST := .venv-oldest

# Runs on any Python, however old, so that the message is not a SyntaxError.
CHECK_PYTHON := import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else \
	"Lockstep needs Python 3.11 or newer, and %s is Python %d.%d. Install a newer one and name it: " \
	"make PYTHON=python3.12 ... (after make clean, where there is a .venv)" \
	% (sys.executable, v[0], v[1]))

.DEFAULT_GOAL := help
.PHONY: help run frameworks test test-slow test-all test-oldest test-portable soak lint format texts notebook docs clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

run: $(STAMP) ## set up, then run every experiment of the chapter, in NumPy and torch; the page of it
	$(BIN)/lockstep run all --backend both --report $(ARGS)

frameworks: $(STAMP) ## set up, then install the packages whose optimizers, layers … the tests check
	$(BIN)/python -m pip install --disable-pip-version-check -e '.[frameworks]'

test: lint ## set up, then check the style and run the tests
	$(BIN)/python -m pytest -m 'not slow' $(PYTEST_ARGS)

test-slow: $(STAMP) ## set up, then run the tests that make test leaves out
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

test-all: test test-slow ## both, one after the other

test-oldest: $(OLDEST)/.installed ## all tests with the oldest versions that are allowed, in .venv-oldest (7 GB)
	$(OLDEST)/bin/python -m pytest $(PYTEST_ARGS)

test-portable: $(STAMP) ## the tests of arithmetic on the processors that this one can pretend to be
	$(BIN)/python -m parity_tests.portable $(PORTABLE_ARGS)

soak: $(STAMP) ## set up, then kill, starve and damage real runs, and see that nothing is lost
	$(BIN)/python -m parity_tests.soak --faults $(FAULTS)

lint: $(STAMP) ## check the style, the types and what imports what, change nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m parity_tests.readme_types
	$(BIN)/python -m experiments.report.translations --check

format: $(STAMP) ## put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

texts: $(STAMP) ## put new texts into experiments/report/ko.po, to be translated, and the READMEs' tables
	$(BIN)/python -m experiments.report.translations
	$(BIN)/python -m parity_tests.readme_tables
	$(BIN)/python -m parity_tests.catalogue_page
	$(BIN)/python -m parity_tests.portrait_page

notebook: $(STAMP) ## make the notebooks of the lesson from their texts, and run them
	$(BIN)/python -m experiments.lesson.making

docs: $(STAMP) ## build the documentation into build/docs; it needs no network then
	$(BIN)/python -c 'import material, mkdocstrings' 2>/dev/null || \
		$(BIN)/python -m pip install --disable-pip-version-check -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict -f experiments/mkdocs.yml

clean: ## remove .venv, .venv-oldest, caches and build output; results stay
	rm -rf $(VENV) $(OLDEST) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find scratch torch_ref parity_tests experiments -name __pycache__ -prune -exec rm -rf {} +

# The stamp is written last: an install that fails leaves none, and the next make starts it again.
%/.installed: pyproject.toml
	@python=$*/bin/python; [ -x $$python ] || python='$(PYTHON)'; \
	command -v $$python >/dev/null || { \
		echo "Lockstep needs Python 3.11 or newer, and there is no '$(PYTHON)' here." >&2; exit 1; }; \
	$$python -c '$(CHECK_PYTHON)'
	@$*/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $*
	pins=$$($(PINS)) && $*/bin/python -m pip install --disable-pip-version-check -e '.[all,test]' $$pins
	@touch $@

$(OLDEST)/.installed: PINS = $(OLDEST)/bin/python -m parity_tests.oldest
