# Needs Python >= 3.10, git, make and a package index; everything else is installed into .venv.
# The settings of all tools stand in pyproject.toml.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Tests run in so many processes, one more than there are processors: a third of the time they wait
# for programs that they started. PYTEST_ARGS is for what you add: make test PYTEST_ARGS='-k merge'
JOBS        ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 1)
PYTEST_ARGS ?=

# How hard the storms try, their first seed and their number of workers: tests/support/effort.py.
STORM   ?= full
SEED    ?= 1
WORKERS ?= 8

# How many inputs the fuzzer makes in all, and for which formats (none named: for every one).
FUZZ_INPUTS  ?= 1000000
FUZZ_TARGETS ?=

# Where `make agents` installs them: outside of the repository.
AGENTS ?= $(HOME)/.cache/parallel-orchestra/agents

.PHONY: help demo test check storm fuzz bench agents ci-extra site clean

help:
	@echo 'make demo      install, then build the example project with several agents at once'
	@echo 'make test      install, then run the whole suite'
	@echo 'make check     format, lint, types, and the rules of the house'
	@echo 'make storm     all proofs at full length: an hour of kills, full disks and fuzzing'
	@echo 'make fuzz      a million inputs for everything that reads what others wrote'
	@echo 'make bench     measure, side by side with what it is measured against'
	@echo 'make agents    whole runs with real coding agents, their model played; needs npm'
	@echo 'make site      the docs as a web site, in build/site'
	@echo 'make ci-extra  what needs more than Python, git and make; says what it skips'
	@echo 'make clean     remove what the other targets made'

demo: $(VENV)/installed
	$(BIN)/parallel-orchestra demo

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n $(JOBS) $(PYTEST_ARGS)

# The house test speaks only when something is wrong (-qq), so that a log of `make test` and
# `make check` has one closing line of pytest.
check: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -qq tests/test_house.py

storm: $(VENV)/installed-dev
	STORM=$(STORM) STORM_SEED=$(SEED) STORM_WORKERS=$(WORKERS) \
	  $(BIN)/python -m pytest -m storm -n $(JOBS) $(PYTEST_ARGS)

# The coverage-guided fuzzer is optional: without it, the target says so and ends well.
fuzz: $(VENV)/installed-dev
	@$(PIP) install --editable '.[fuzz]' || true
	$(BIN)/python tests/fuzz/run.py --inputs $(FUZZ_INPUTS) --seed $(SEED) $(FUZZ_TARGETS)

bench: $(VENV)/installed-dev
	$(BIN)/python tests/bench/run.py

# Installs all real agents (1.2 GB) once, then runs them against a played model. Needs npm.
agents: $(VENV)/installed-dev
	$(BIN)/python tests/agents/install.py $(AGENTS) claude codex gemini opencode
	REAL_AGENTS=$(AGENTS) $(BIN)/python tests/support/loopback.py \
	  $(BIN)/python -m pytest -p no:cacheprovider tests/agents $(PYTEST_ARGS)

# In an environment of its own: nothing else needs what makes the site. A warning is an error.
site: $(VENV)/installed-site
	$(VENV)/site/bin/sphinx-build --quiet --fail-on-warning --fresh-env docs build/site
	@echo 'look at build/site/index.html'

ci-extra: $(VENV)/installed-dev
	@sh .ci/extra

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis fuzz-faults
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are files, so that a second `make` starts at once; a changed pyproject.toml installs
# again. A checkout that was moved needs `make clean` first.
$(VENV)/installed: pyproject.toml $(BIN)/python
	$(PIP) install --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml $(BIN)/python
	$(PIP) install --editable '.[dev]'
	@touch $(VENV)/installed $@

$(VENV)/installed-site: pyproject.toml $(BIN)/python
	$(BIN)/python -m venv --clear $(VENV)/site
	$(VENV)/site/bin/python -m pip --disable-pip-version-check --quiet install --editable '.[docs]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo 'error: Python 3.10 or newer is needed: make PYTHON=/path/to/python'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo 'error: this Python cannot make virtual environments: install python3-venv (Debian, Ubuntu)'; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
