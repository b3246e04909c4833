PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8080
WORKERS ?= 2
DIST ?= dist

.PHONY: serve test test-thorough check format bench pages conformance dist clean

# The stamp is newer than pyproject.toml once everything it names is installed.
.venv/.installed: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing Ascend Gateway into .venv (the first time takes a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/.installed-dev: .venv/.installed
	@echo "installing what the tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

# What docs/deploy and the distributions are tried with; 600 MB.
.venv/.installed-deploy: .venv/.installed-dev
	@echo "installing linters, Helm's engine and Traefik, which only tests/deploy and \`make dist\` need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group deploy
	@touch $@

serve: .venv/.installed
	@$(BIN)/ascend serve --demo --port $(PORT)

test: .venv/.installed-dev
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup

# Every property with all its examples, of which each change is tried with a third.
test-thorough: .venv/.installed-dev
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup --hypothesis-profile=thorough

check: .venv/.installed-dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy

format: .venv/.installed-dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: .venv/.installed-dev
	@$(BIN)/python -m benchmarks

# What is written from the program; tests notice when it is out of date.
pages: .venv/.installed-dev
	@$(BIN)/python -m capability_index.documents
	@$(BIN)/python -m server.config.reference
	@$(BIN)/python -m benchmarks.rooms
	@$(BIN)/python -m benchmarks.reference
	@$(BIN)/python -m benchmarks.invariants

TOOLS.md: $(wildcard docs/tools/*.md) .venv/.installed
	@$(BIN)/python -m capability_index.documents

# The MCP conformance suite needs Node 22 or newer; both come from the npm registry.
conformance: .venv/.installed-dev node_modules/.installed
	@$(BIN)/python -m pytest -q tests/conformance

node_modules/.installed: package.json
	@npm install --no-audit --no-fund --no-package-lock --silent
	@touch $@

# Source distribution, wheel and bill of materials (CycloneDX): of one commit the same bytes, whoever builds them.
dist: .venv/.installed-deploy
	@rm -rf $(DIST)
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} $(BIN)/python -m build --no-isolation --outdir $(DIST) . >/dev/null
	@$(BIN)/uv venv --quiet --python $(BIN)/python $(DIST)/environment
	@$(BIN)/uv pip install --quiet --python $(DIST)/environment $(DIST)/*.whl
	@$(BIN)/cyclonedx-py environment --output-reproducible --no-validate --pyproject pyproject.toml \
		--output-file $(DIST)/ascend-gateway.cdx.json $(DIST)/environment
	@rm -rf $(DIST)/environment
	@ls $(DIST)

clean:
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache dist
