# Every target works on a bare clone: the environment is built on first use and kept in .venv.
#
#   make PYTHON=python3.12 test     another interpreter (remove .venv first)
#   make test ARGS="-k frames -x"   more arguments for pytest, or for the benchmark

PYTHON ?= python3
ARGS   ?=
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -qq
ROOTS  := runner supervisor kernel

# Code that has a core without I/O is held to a number; the rest is judged by its tests.
PURE   := */frames.py,*/ordering.py,*/textflow.py,*/lifecycle.py,*/outcomes.py,*/flood.py,*/exits.py,*/causes.py,*/stacks.py,*/wording.py,*/messages.py,*/wire/*.py

# A module is covered by its own tests; kernels in other processes would not count anyway.
UNIT   := tests/runner tests/supervisor tests/kernel --ignore=tests/kernel/dialogues

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo lab test soak peers lint bench docs coverage clean ready

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ready ## run the tour through the kernel, crash included, into build/demo
	@$(BIN)/python examples/run_tour.py

lab: .venv/ready-lab ready ## open JupyterLab with a copy of the examples
	@mkdir -p build && test -d build/lab || cp -R examples build/lab # to be played with
	@$(BIN)/jupyter lab $(ARGS) build/lab/tour.ipynb

test: ready ## run all tests
	@$(BIN)/python -m pytest $(ARGS)

soak: .venv/ready ## the fault tests 20 times, with every core busy (half an hour)
	@$(BIN)/python tests/soak.py $(ARGS)

peers: .venv/ready-peers ## run the tests of ipykernel, nbclient and papermill with both kernels
	@$(BIN)/python tests/peers/run.py $(ARGS)

lint: ready ## ruff, mypy, import contracts, spelling
	@./.ci/lint $(BIN)

bench: .venv/ready-bench ready ## measure beside ipykernel and xeus-python, in one run
	@$(BIN)/python benchmarks/kernel.py $(ARGS)

docs: ready ## write the generated parts of the docs again
	@$(BIN)/python docs/generate.py

coverage: ready ## branch coverage; fails below 95 % on the pure modules
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest -q $(UNIT) -m "not slow and not fault" $(ARGS)
	@$(BIN)/python -m coverage report
	@echo "--- pure modules"
	@$(BIN)/python -m coverage report --include='$(PURE)' --fail-under=95

clean: ## remove what the other targets made, the environment too
	rm -rf .venv build dist .coverage htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(ROOTS) tests -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment -----------------------------------------------------------------------------

# Where PYTHONDONTWRITEBYTECODE is set, each start of the kernel would compile the sources again and
# take twice the time. When nothing has changed this costs 50 ms.
ready: .venv/ready
	@$(BIN)/python -m compileall -q $(ROOTS)

.venv/ready: pyproject.toml $(wildcard kernel/wherry_kernel/resources/*)
	@test -x $(BIN)/python || { echo "creating .venv with $$($(PYTHON) --version)"; $(PYTHON) -m venv .venv; }
	@echo "installing wherry and what the tests and checks need (a minute or two on a first run)"
	@$(PIP) install --editable '.[dev]'
	@touch $@

.venv/ready-bench: .venv/ready
	@echo "installing the kernels to compare with"
	@$(PIP) install --editable '.[bench]'
	@touch $@

.venv/ready-peers: .venv/ready
	@echo "installing what the tests of other projects need"
	@$(PIP) install --editable '.[peers]'
	@touch $@

.venv/ready-lab: .venv/ready
	@echo "installing JupyterLab"
	@$(PIP) install --editable '.[lab]'
	@touch $@
