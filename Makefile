# Everything a newcomer and the continuous integration call.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

export TURNTONE_DATA ?= $(HOME)/.turntone
export RAY_USAGE_STATS_ENABLED := 0
export PYANNOTE_METRICS_ENABLED := 0

.PHONY: help install demo check test chaos fuzz bench pictures clean

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(READY) ## Make the environment: packages and the broker's jars

# The jars are part of installing, so that nothing is fetched later.
$(READY): pyproject.toml
	@echo "Installing Turntone into $(VENV) (about 6 GB; two to five minutes the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=24" "setuptools<82" wheel
	@$(BIN)/python -m pip install --progress-bar on --no-build-isolation --editable ".[dev]"
	@$(BIN)/python -m actors.embedded.install
	@touch $@

demo: $(READY) ## Watch two bundled conversations turn into emotion events
	@$(BIN)/turntone demo

check: $(READY) ## Lint, format, types, import contracts, spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell

test: $(READY) ## Every test, with a small share of the long suites
	@OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2

chaos: $(READY) ## The long kill suite on the real servers
	@TURNTONE_CHAOS=full $(BIN)/pytest -m chaos -s

fuzz: $(READY) ## Damaged media by the thousand
	@TURNTONE_FUZZ=2000 $(BIN)/pytest -m fuzz -s

bench: $(READY) ## End-to-end speed, as JSON
	@$(BIN)/python -m tests.benchmarks.end_to_end

pictures: $(READY) ## The page's pictures in its README, taken in Chromium
	@$(BIN)/python -m tests.browser.screenshots

clean: ## Remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
