# Every target bootstraps what it needs; a machine with Python 3.11-3.13, git and make is enough.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     := $(VENV)/uv/bin/uv
export UV_PYTHON_DOWNLOADS = never
export UV_LINK_MODE ?= hardlink
# uv does not read pip's settings; a CPU build of torch often lies in pip's find-links.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)

.DEFAULT_GOAL := help
.PHONY: help install bwrap lint format types test kills bench sweep demo docs requirements clean

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 24

$(UV): requirements/uv.txt
	@echo "setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)/uv
	@$(VENV)/uv/bin/pip --quiet --disable-pip-version-check install --require-hashes -r requirements/uv.txt
	@touch $(UV)

$(VENV)/installed: $(UV) requirements/dev.txt pyproject.toml
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	@VIRTUAL_ENV=$(VENV) $(UV) pip sync --quiet --compile-bytecode --require-hashes requirements/dev.txt
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@# Where PYTHONDONTWRITEBYTECODE is set nobody else would, and every start would take twice as long.
	@$(BIN)/python -m compileall -q bot checks
	@touch $@

install: $(VENV)/installed ## an environment in .venv, with everything the bot and its tests need

lint: $(VENV)/installed ## format check, linter, import rules, types, generated files
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo --cache-dir $(VENV)/lint-imports > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }
	@$(BIN)/basedpyright --level error
	@$(BIN)/python -m scripts.generate --check

format: $(VENV)/installed ## format and fix what can be fixed
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

bwrap: # what the tests of the sandbox need; only root can install it
	@command -v bwrap >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "installing bubblewrap …"; \
			apt-get update -qq && apt-get install -y -qq bubblewrap >/dev/null; \
		else \
			echo "bubblewrap is not installed: the tests of the sandbox will be skipped (CI=true: they fail)"; \
		fi; }

test: lint $(VENV)/installed bwrap ## everything that CI runs
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

kills: $(VENV)/installed bwrap ## SIGKILL at every step and write of the bot; `make test` does some of them
	@TFPORT_EVERY_KILL=1 $(BIN)/python -m pytest -n auto --dist loadfile tests/bot/test_kill.py tests/bot/test_convert.py

docs: $(VENV)/installed ## write the generated files: rule pages, report schema
	@$(BIN)/python -m scripts.generate

demo: $(VENV)/installed ## a local GitHub, the bot, a draft pull request; ONCE=1 ends by itself, EXECUTE=1 executes then too
	@$(BIN)/python -m scripts.demo $(if $(ONCE),--once) $(if $(EXECUTE),--execute)

bench: $(VENV)/installed ## measure, against upstream's scripts too: REPO=clone of transformers with history [TORCH=python with torch and tensorflow]
	@$(BIN)/python -m scripts.bench $(if $(REPO),--repo $(REPO)) $(if $(TORCH),--python $(TORCH))
	@$(BIN)/python -m scripts.bench_bot

sweep: $(VENV)/installed ## check merged ports: REPO=clone of transformers with history; MUTATE=1, UPSTREAM=1, CORPUS=revision, NUMERIC=1 (with ARGS="--python …"), ARGS
	@$(BIN)/python -m scripts.$(if $(CORPUS),corpus,$(if $(UPSTREAM),upstream,$(if $(NUMERIC),numerics,sweep))) --repo "$(REPO)" $(if $(MUTATE),--mutate) $(ARGS) $(CORPUS) $(COMMITS)

requirements: $(UV) ## resolve the hashed requirements anew
	@sh scripts/requirements.sh $(UV)

clean: ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache
