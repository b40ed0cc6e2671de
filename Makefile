# Everything runs in .venv, which the first target that needs it creates: only Python 3.11, 3.12
# or 3.13 and make have to be there. `make` without a target lists what there is.

BIN := .venv/bin
PACKAGES := schemas attribution online_models streams deploy tests

.PHONY: help demo test check services services-stop chaos bench
.DEFAULT_GOAL := help
.NOTPARALLEL:

help: ## What make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' Makefile

demo: .venv/.embedded ## Simulate traffic through the whole system on this machine; ends by itself
	@$(BIN)/headwater demo

test: check ## All checks and all tests this machine can run; says which servers they used
	@$(BIN)/python -m deploy.local.servers --if-possible jars
	$(BIN)/pytest

check: .venv/.dev ## Style, types and who may import whom
	$(BIN)/ruff check .
	$(BIN)/mypy $(addprefix -p ,$(PACKAGES))
	$(BIN)/lint-imports

services: .venv/.dev ## Start Kafka and ClickHouse on loopback (Java 17, Maven, clickhouse-server)
	@$(BIN)/python -m deploy.local.servers start

services-stop: .venv/.dev ## Stop them; their data stays in .headwater/services
	@$(BIN)/python -m deploy.local.servers stop

chaos: .venv/.dev ## Kill workers, broker and store at random on real Kafka; nothing may be lost
	@$(BIN)/python -m deploy.local.servers jars
	HEADWATER_REQUIRE=kafka $(BIN)/pytest -m chaos

bench: .venv/.dev ## Speed on real Kafka, beside an idiomatic Faust application
	@$(BIN)/python -m deploy.local.servers run $(BIN)/headwater bench

# --- the environment -----------------------------------------------------------------------------

define FIND_PYTHON
for p in python3 python3.13 python3.12 python3.11; do \
  if $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
    2>/dev/null; then found=$$p; break; fi; \
done; \
if [ -z "$$found" ]; then \
  echo "error: no Python 3.11, 3.12 or 3.13 with venv here; install one" \
    "(Debian: apt-get install python3 python3-venv)" >&2; exit 1; \
fi
endef

# A broken .venv (its Python was moved or removed) is made anew.
.venv/bin/python:
	@$(FIND_PYTHON); echo "Creating .venv with $$($$found --version)"; \
	$$found -m venv --clear .venv

INSTALL = quiet=$$(test -t 1 || echo --quiet); \
	$(BIN)/python -m pip install $$quiet --disable-pip-version-check --constraint constraints.txt

.venv/.embedded: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing Headwater into .venv (once; about a minute, 350 MB) ..."
	@$(INSTALL) --editable '.[embedded,fast]'
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing Headwater and its development tools into .venv (once) ..."
	@$(INSTALL) --editable '.[embedded,fast,lab,dev]'
	@touch $@ .venv/.embedded
