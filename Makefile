# Everything here works on a fresh machine with only make and Python >= 3.11: each target
# makes the virtual environment that it needs, inside the checkout, once.

# The first Python that is new enough; name another by `make PYTHON=python3.13 test`.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
PYTHON ?= $(or $(shell for p in $(CANDIDATES); do \
	"$$p" -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && echo "$$p" && break; done),python3)

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := -m pip install --disable-pip-version-check
WORKERS ?= 2
DATA ?= benchmarks/real/data
SKLEARN_MINORS := 1.6 1.7 1.8
SKLEARN_TESTS := $(addprefix test-sklearn-,$(SKLEARN_MINORS))

# Stops with a message that says what to do, before pip would fail with a riddle.
define check_python
@"$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null || { \
	found=$$("$(PYTHON)" --version 2>&1) || found="nothing that runs"; \
	echo "skmoe needs Python 3.11 or newer; '$(PYTHON)' is $$found." >&2; \
	echo "Install one, or name it: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; \
	exit 1; }
endef

.DEFAULT_GOAL := help
.PHONY: help demo test lint format coverage bench real clean $(SKLEARN_TESTS)
.DELETE_ON_ERROR:

help:
	@echo "make demo       install into $(VENV) and run the bike sharing example"
	@echo "make test       the tests, the doctests, the README and the style checks"
	@echo "make lint       style, layers of imports, spelling and types"
	@echo "make format     rewrite the code in the house style"
	@echo "make coverage   the tests with line and branch coverage"
	@echo "make bench      the benchmarks"
	@echo "make real       models against models on real data: DATA=folder, RUN=options"
	@echo "make clean      remove what these targets made"
	@echo "also: $(SKLEARN_TESTS)"

demo: $(VENV)/.demo
	$(BIN)/python examples/plot_bike_sharing.py

test: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n $(WORKERS)
	$(BIN)/python -m pytest --doctest-glob=README.md README.md

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/mypy

format: $(VENV)/.test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Without the compiler: coverage cannot see inside compiled functions.
coverage: $(VENV)/.dev
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n $(WORKERS) --cov

bench: $(VENV)/.dev
	for script in benchmarks/bench_*.py; do $(BIN)/python "$$script" || exit 1; done

# Peers that need an old scikit-learn have an environment of their own. Data sets that
# DATA lacks are fetched into it.
real: $(VENV)/.real $(VENV)-legacy/.real
	-$(BIN)/python benchmarks/real/fetch.py "$(DATA)"
	$(BIN)/python benchmarks/real/run.py --data "$(DATA)" \
		--legacy-python $(VENV)-legacy/bin/python $(RUN)
	$(BIN)/python benchmarks/real/report.py

# The conformance tests first: they are what a change in scikit-learn breaks.
$(SKLEARN_TESTS): test-sklearn-%: $(VENV)-%/.test
	$(VENV)-$*/bin/python -m pytest -n $(WORKERS) tests/test_conformance.py
	$(VENV)-$*/bin/python -m pytest -n $(WORKERS) \
		--ignore=tests/test_conformance.py

# Stamps: a second call finds them and installs nothing. A changed pyproject.toml may
# name new dependencies, so it makes them stale.
$(VENV)/.made:
	$(check_python)
	"$(PYTHON)" -m venv --clear $(VENV)
	@touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	$(BIN)/python $(PIP_INSTALL) --editable ".[pandas,plot]"
	@touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml
	$(BIN)/python $(PIP_INSTALL) --editable ".[numba,test]"
	@touch $@

$(VENV)/.real: $(VENV)/.made pyproject.toml benchmarks/real/requirements.txt
	$(BIN)/python $(PIP_INSTALL) --editable ".[pandas,plot]" \
		--requirement benchmarks/real/requirements.txt
	@touch $@

$(VENV)-legacy/.real: benchmarks/real/requirements-legacy.txt
	$(check_python)
	"$(PYTHON)" -m venv --clear $(VENV)-legacy
	$(VENV)-legacy/bin/python $(PIP_INSTALL) \
		--requirement benchmarks/real/requirements-legacy.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml
	$(BIN)/python $(PIP_INSTALL) --editable ".[dev]"
	@touch $@

$(SKLEARN_MINORS:%=$(VENV)-%/.test): $(VENV)-%/.test: pyproject.toml
	$(check_python)
	"$(PYTHON)" -m venv --clear $(VENV)-$*
	$(VENV)-$*/bin/python $(PIP_INSTALL) --editable ".[test]" "scikit-learn==$*.*"
	@touch $@

clean:
	rm -rf $(VENV) $(VENV)-legacy $(SKLEARN_MINORS:%=$(VENV)-%) .nox build dist *.egg-info
	rm -rf benchmarks/real/data
	rm -rf .coverage .coverage.* htmlcov .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
