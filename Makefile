# Everything runs in .venv, which the first target that needs it creates: only Python 3.11, 3.12
# or 3.13 and make have to be there. `make` without a target lists what there is.

BIN := .venv/bin
PACKAGES := schemas attribution online_models streams deploy tests
TEXTS := $(PACKAGES) README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md SECURITY.md \
	Makefile pyproject.toml .ci .pre-commit-config.yaml
# Tests that start servers or whole programs take minutes and mostly wait, those that are only long
# compute: together they keep the cores busy, three files at a time on two cores. Each file has
# servers and folders of its own.
SERVERS := tests/integration tests/chaos tests/documents
LONG := tests/simulation tests/oracle tests/laws tests/real_data tests/streams/lab
# One worker takes a whole file, so that fixtures are made once; tests/conftest.py says in which order.
PARALLEL := -n auto --dist loadfile --no-loadscope-reorder
FAST := $(PARALLEL) $(addprefix --ignore=,$(SERVERS) $(LONG))
COVERAGE :=  # of the fast tests; continuous integration sets --cov
PYTHONS := python3.11 python3.12 python3.13

.PHONY: help demo fmt lint types check test-fast test cov docs bench bench-peers chaos soak matrix services \
	services-stop
.DEFAULT_GOAL := help
.NOTPARALLEL:

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-14s %s\n", $$1, $$2}' Makefile

demo: .venv/.embedded ## Simulate traffic through the whole system on this machine; ends by itself
	@$(BIN)/headwater demo

fmt: .venv/.dev ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lint: .venv/.dev ## Style, spelling, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/codespell $(wildcard $(TEXTS))
	$(BIN)/validate-pyproject pyproject.toml

types: .venv/.dev ## Check types
	$(BIN)/mypy $(addprefix -p ,$(PACKAGES))

check: lint types ## Everything but tests; what pre-commit runs

test-fast: .venv/.dev ## The tests that need no server and take some minutes
	$(BIN)/pytest $(FAST) $(COVERAGE)

test: check test-fast ## All checks and all tests this machine can run; says which servers they used
	@$(BIN)/python -m deploy.local.servers --if-possible jars
	$(BIN)/pytest $(PARALLEL) -n $$((2 + $$(getconf _NPROCESSORS_ONLN) / 2)) $(SERVERS) $(LONG)

cov: .venv/.dev ## Coverage of the fast tests, by file; fails below the floor
	$(BIN)/pytest $(FAST) --cov --cov-report=term-missing

docs: .venv/.dev ## Write again what is generated: schemas, their documents, the dashboard
	$(BIN)/python -m schemas.contracts
	$(BIN)/python -m streams.board.dashboard

bench: .venv/.dev ## Speed on real Kafka, beside an idiomatic Faust application
	@$(BIN)/python -m deploy.local.servers run $(BIN)/headwater bench

bench-peers: .venv/.dev .venv-peers/quix/.made .venv-peers/bytewax/.made ## The same beside Quix Streams and Bytewax
	@$(BIN)/python -m deploy.local.servers run $(BIN)/headwater bench --peers .venv-peers

chaos: .venv/.dev ## Kill workers, broker and store at random on real Kafka; nothing may be lost
	@$(BIN)/python -m deploy.local.servers jars
	HEADWATER_REQUIRE=kafka $(BIN)/pytest -m chaos

soak: .venv/.dev ## The value model on a real history of purchases, for some minutes
	$(BIN)/pytest $(PARALLEL) -m soak tests/real_data

matrix: ## The fast tests under every Python from 3.11 to 3.13 on this machine
	@for python in $(PYTHONS); do \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || \
	    { echo "$$python: not on this machine, not tested"; continue; }; \
	  echo "Python $$version:"; \
	  $$python -m venv .venv-$$version && \
	  .venv-$$version/bin/python -m pip install --quiet --disable-pip-version-check \
	    --constraint constraints.txt --editable '.[embedded,fast,lab,dev]' && \
	  .venv-$$version/bin/pytest $(FAST) || exit 1; \
	done

services: .venv/.dev ## Start Kafka and ClickHouse on loopback (Java 17, Maven, clickhouse-server)
	@$(BIN)/python -m deploy.local.servers start

services-stop: .venv/.dev ## Stop them; their data stays in .headwater/services
	@$(BIN)/python -m deploy.local.servers stop

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

# What a peer pins comes first; what it does not name is found in .venv.
.venv-peers/%/.made: tests/benchmarks/peers/requirements-%.txt | .venv/.dev
	@echo "Installing $* into $(@D) (once) ..."
	@$(BIN)/python -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
	  "$$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/headwater.pth"
	@touch $@
