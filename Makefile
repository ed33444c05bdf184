# make run   install into .venv and run the toy study
# make test  install into .venv with the test tools and check everything
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: help run test lint types contracts unit crosschecks bench clean

help:  ## Show what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv .venv

$(BIN)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --progress-bar off -e .
	@touch $@

$(BIN)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --progress-bar off -e '.[test]'
	@touch $@ $(BIN)/.installed

run: $(BIN)/.installed  ## Install, then train, sample and evaluate every family on the toy data
	$(BIN)/epuredgm run --dataset toy $(ARGS)

test: lint types contracts unit  ## Install, then lint, types, architecture contracts and tests

lint: $(BIN)/.installed-test  ## Style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(BIN)/.installed-test  ## Static types
	$(BIN)/mypy

contracts: $(BIN)/.installed-test  ## Who may import whom
	$(BIN)/lint-imports

unit: $(BIN)/.installed-test  ## The tests, a file at a time on each processor
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

crosschecks: $(BIN)/.installed-test  ## Losses and posteriors beside independent implementations (installs these)
	$(BIN)/pip install --quiet --progress-bar off -e '.[crosschecks]'
	$(BIN)/python -m pytest tests/crosschecks

bench: $(BIN)/.installed  ## The benchmarks, beside the naive forms (installs these)
	$(BIN)/pip install --quiet --progress-bar off -e '.[bench]'
	for each in benchmarks/*.py; do $(BIN)/python $$each; done

clean:  ## Remove .venv and caches; keeps data, outputs, samples and results
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
