# Two commands do everything on a fresh machine: `make demo` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help demo test lint format types tests test-lowest test-sdist stress clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# What uv is told when it installs; the checks below this file's own use choose otherwise.
INSTALL ?= --editable
RESOLUTION ?= highest

help:  ## what there is
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*  ## /  make \1\t/' | expand -t 18

demo: $(READY)  ## rank three trained models and an untrained control on 240 clip-art images
	$(BIN)/featrank rank --dataset clipart --models tf_efficientnet_lite0,tf_efficientnet_lite1,tf_efficientnet_lite2,random:tf_efficientnet_lite0

test: lint types tests  ## everything that CI checks

lint: $(READY)  ## ruff, and which module may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

format: $(READY)  ## let ruff rewrite
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY)  ## mypy --strict
	$(BIN)/mypy

# A worker a processor, each with one thread: more would only wait for each other.
tests: $(READY)  ## pytest with coverage; make tests ARGS='-k tmi --no-cov' runs some
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/pytest --cov -n auto $(ARGS)

test-lowest:  ## the suite with the lowest versions that pyproject.toml promises
	$(MAKE) tests VENV=.venv-lowest RESOLUTION=lowest-direct ARGS='--no-cov $(ARGS)'

test-sdist: $(READY)  ## the suite from a source distribution, installed as users would
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
	  && $(BIN)/uv build --quiet --sdist --out-dir "$$folder" . \
	  && tar -xzf "$$folder"/featrank-*.tar.gz -C "$$folder" \
	  && $(MAKE) -C "$$folder"/featrank-*/ tests INSTALL= ARGS='--no-cov $(ARGS)'

stress: $(READY)  ## disturb it in every way for ten minutes, and count what came of it
	OMP_NUM_THREADS=1 $(BIN)/python scripts/stress.py --minutes 10

clean:  ## remove the virtual environment and what tools left behind
	rm -rf $(VENV) .venv-lowest .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* *.egg-info

# Made anew only when pyproject.toml changed. Compiled, for where PYTHONDONTWRITEBYTECODE is set: a
# process that imports torch and timm then starts in half the time. uv resolves and unpacks torch's many gigabytes far
# faster than pip; where uv cannot reach an index that pip is configured for, pip does the work.
$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "featrank needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --resolution $(RESOLUTION) $(INSTALL) '.[demo,dev]' \
	  || { [ $(RESOLUTION) = highest ] && $(BIN)/python -m pip install --disable-pip-version-check $(INSTALL) '.[demo,dev]'; }
	@touch $@
