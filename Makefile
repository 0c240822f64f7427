# What a person types. The work is done by scripts/, so that CI runs the same.

VENV ?= .venv
PYTHON ?=
ARGS ?=
HARNESS ?=

bin := $(VENV)/bin
pip := $(bin)/python -m pip --disable-pip-version-check --quiet --no-input
# Wheels only: an installation never compiles and never fetches build tools. Byte code is compiled afterwards, on all cores.
lock_install := $(pip) install --require-hashes --only-binary :all: --no-compile
compile := $(bin)/python -m compileall -q -j 0
rooms = $(wildcard kernel store agent approvals board gateway cron web hermes)

# A virtual environment holds absolute paths: one that was copied or moved, or lost its Python, is made anew.
ifneq ($(shell test -x '$(bin)/python' && cat '$(VENV)/.made-for' 2>/dev/null),$(abspath $(VENV)))
$(VENV)/.made-for: anew
endif

.DEFAULT_GOAL := help
.PHONY: help run install test check format bench soak lock clean anew
.DELETE_ON_ERROR:

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  VENV=$(VENV)  PYTHON=/path/to/python  ARGS='...' for the program that is started"

run: install ## install what is missing and start the gateway in the foreground
	@exec $(bin)/hermes gateway $(ARGS)

install: $(VENV)/.project ## create the virtual environment with the locked dependencies and hermes
	@test -t 1 && echo "$(bin)/hermes is installed." || true

test: $(VENV)/.project $(VENV)/.tests ## all checks and tests (ARGS='-- tests/unit' for a part)
	@VENV='$(VENV)' exec scripts/check $(ARGS)

check: test ## the same by its other name

format: $(VENV)/.tests ## put formatting and import order right
	@$(bin)/ruff check --quiet --select I --fix . ; $(bin)/ruff format .

bench: $(VENV)/.project $(VENV)/.tests ## measure, and write benchmarks/RESULTS.md (HARNESS=path adds the rows beside other gateways)
	@HARNESS='$(HARNESS)' exec $(bin)/python -m benchmarks $(ARGS)

soak: $(VENV)/.project $(VENV)/.tests ## the long storms of kills and faults
	@VENV='$(VENV)' exec scripts/check tests -- -m soak --timeout 3600 $(ARGS)

lock: ## resolve the dependencies anew (for maintainers; needs uv)
	@VENV='$(VENV)' exec scripts/lock $(ARGS)

clean: ## remove the virtual environment and everything made by tools
	rm -rf $(VENV) build dist *.egg-info .coverage .pytest_cache .ruff_cache .hypothesis
	find $(rooms) tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made-for:
	@scripts/make-venv '$(abspath $(VENV))' '$(PYTHON)'

$(VENV)/.runtime: requirements.lock $(VENV)/.made-for
	@echo "Installing the locked dependencies"
	@$(lock_install) -r requirements.lock
	@$(compile) $(VENV)/lib
	@touch $@

$(VENV)/.project: pyproject.toml $(VENV)/.runtime
	@$(pip) install --no-build-isolation --no-deps --no-index --editable .
	@$(compile) $(rooms)
	@touch $@

$(VENV)/.tests: requirements-test.lock $(VENV)/.runtime
	@echo "Installing the locked test tools"
	@$(lock_install) -r requirements-test.lock
	@$(compile) $(VENV)/lib
	@touch $@
