# A fresh machine needs python3 (3.11 or newer) and make. Everything is installed into .venv, at the pinned versions.

PYTHON  ?= python3
VENV    := .venv
BIN     := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install -qq -c constraints.txt
PINS    := pyproject.toml constraints.txt
DRAWN   := docs/_build docs/gallery docs/reference/generated

# Two pytest workers with one torch thread each; `make test ARGS="-k strs"` hands more to pytest.
WORKERS ?= 2
ARGS    ?=
PYTEST  := -m pytest -q -n $(WORKERS) --dist worksteal

# What `make test` leaves to `make test-all`, and what both leave to `make test-cuda`.
MARKED  := slow or ray or browser or strangers or kill or study
# These tests need nothing but the core and pytest, so that a machine with a GPU can run them with its own Python.
CUDA_PYTHON := $(if $(filter file,$(origin PYTHON)),$(BIN)/python,$(PYTHON))
CUDA_TESTS  := $(shell find tests -name test_cuda.py)

.PHONY: help demo test test-all test-cuda lint format bench docs tables dist clean

help:
	@echo "make demo    install Otoscope and look into a small trained model"
	@echo "make test    run tests and doctests, but for the long ones (data sets: OTOSCOPE_DATA=folder)"
	@echo "make test-all   run the long tests: those marked $(MARKED)"
	@echo "make test-cuda  run the tests that need a GPU, with the interpreter PYTHON=... (torch and pytest suffice)"
	@echo "make lint    ruff and mypy"
	@echo "make format  let ruff put the code in shape"
	@echo "make bench   run every script in benchmarks/"
	@echo "make docs    build the documentation, and run the gallery, into docs/_build/html"
	@echo "make tables  write the tables of methods and commands in README.md and docs/ from the code"
	@echo "make dist    build the wheel and the source archive into dist/"
	@echo "make clean   remove what make has built"

demo: $(VENV)/.installed-core
	$(BIN)/otoscope demo

test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python $(PYTEST) -m "not ($(MARKED) or cuda)" $(ARGS)

test-all: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python $(PYTEST) -m "($(MARKED)) and not cuda" $(ARGS)

test-cuda: $(if $(filter file,$(origin PYTHON)),$(VENV)/.installed-test)
	PYTHONPATH=src $(CUDA_PYTHON) -m pytest -q -m cuda $(CUDA_TESTS) $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .
	$(BIN)/mypy --no-error-summary

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --quiet --fix .
	$(BIN)/ruff format --quiet .

bench: $(VENV)/.installed-test
	@for script in $(wildcard benchmarks/[a-z]*.py); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

docs: $(VENV)/.installed-docs docs/_build/.code
	OMP_NUM_THREADS=1 $(BIN)/sphinx-build -q -W --keep-going -d docs/_build/doctrees docs docs/_build/html
	@echo "docs/_build/html/index.html"

tables: $(VENV)/.installed-core
	$(BIN)/python docs/_ext/tables.py

dist: $(VENV)/.installed-test
	rm -rf dist
	PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(BIN)/python -m build --outdir dist .

# Pictures and lists made from the code are made again when the code has changed.
docs/_build/.code: $(shell find src/otoscope -name '*.py')
	rm -rf $(DRAWN)
	@mkdir -p $(@D) && touch $@

clean:
	rm -rf $(VENV) build dist $(DRAWN) .pytest_cache .mypy_cache .ruff_cache .hypothesis src/otoscope.egg-info
	find src tests benchmarks studies -name __pycache__ -type d -exec rm -rf {} +

# One stamp a set of extras; a larger set holds the smaller ones.
$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-core: $(PINS) | $(BIN)/pip
	$(INSTALL) -e .
	@touch $@

$(VENV)/.installed-test: $(PINS) | $(BIN)/pip
	$(INSTALL) -e '.[test]'
	@touch $(VENV)/.installed-core $@

$(VENV)/.installed-dev: $(PINS) | $(BIN)/pip
	$(INSTALL) -e '.[dev]'
	@touch $(VENV)/.installed-core $(VENV)/.installed-test $@

$(VENV)/.installed-docs: $(PINS) | $(BIN)/pip
	$(INSTALL) -e '.[docs]'
	@touch $(VENV)/.installed-core $@
