# Everything works with python3 (3.11 or newer), its venv module and make; see `make help`.
# Another interpreter: make test PYTHON=python3.13

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo run dev fmt check lint types imports test cov bench acceptance pictures wheel image lock

PYTHON ?= python3
CONFIG ?= config/callmon.yml
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/run ## a simulated call centre, monitored, on the screen
	@$(BIN)/python -m callmon demo

run: $(VENV)/run ## monitor with CONFIG=config/callmon.yml
	@$(BIN)/python -m callmon run --config $(CONFIG)

dev: $(VENV)/dev ## everything for developing, in .venv

fmt: $(VENV)/dev ## rewrite files the way `check` wants them
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/python scripts/write_module_list.py
	$(BIN)/python -m grafana.build
	$(BIN)/python scripts/write_reference.py
	$(BIN)/python scripts/write_mistakes.py
	$(BIN)/python scripts/write_tutorial.py

check: lint types imports ## format, rules, types, import contracts

lint: $(VENV)/dev ## ruff (format and rules), hadolint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/hadolint Dockerfile

types: $(VENV)/dev ## mypy --strict
	$(BIN)/mypy

imports: $(VENV)/dev ## who may import whom
	$(BIN)/lint-imports

test: $(VENV)/test ## unit tests, random order, no network, about three minutes
	$(BIN)/python -m pytest -m "not acceptance" -n auto

cov: $(VENV)/test ## the same with branch coverage
	$(BIN)/python -m pytest -m "not acceptance" -n auto --cov --cov-report=term

bench: $(VENV)/test ## speed and memory, beside other programs
	$(BIN)/python -m bench

acceptance: $(VENV)/dev ## with real peers and the image; installs packages, so it needs root
	scripts/install-system-packages.sh
	scripts/get-peers.sh
	scripts/get-mosquitto.sh
	scripts/get-asterisk.sh
	scripts/get-grafana-components.sh
	scripts/get-language-server.sh
	$(BIN)/python -m pytest -m acceptance --timeout=300

pictures: $(VENV)/dev ## the pictures in README and docs, taken anew
	scripts/install-system-packages.sh
	scripts/get-peers.sh
	scripts/get-grafana-components.sh
	$(BIN)/python -m tests.pictures docs/images
	$(BIN)/python -m tests.grafana.pictures docs/images wallboard queue

wheel: $(VENV)/dev ## build, install in a clean venv, try
	$(BIN)/python -m hatchling build -d dist -c
	scripts/try-wheel.sh dist

image: ## container image callmon:latest, with podman or docker
	scripts/build-image.sh callmon:latest

lock: $(VENV)/python ## write requirements*.txt anew; UPGRADE=--upgrade takes newer versions
	$(BIN)/python -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip --quiet --disable-pip-version-check install uv
	scripts/lock.sh $(VENV)/lock/bin/uv $(UPGRADE)

# The files below say what the environment holds; `touch` makes them newer than their reasons.

$(VENV)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("callmon needs Python 3.11 or newer, this is %d.%d (try make PYTHON=python3.13)" % v[:2])'
	@$(PYTHON) -c 'import ensurepip' || { echo "callmon needs the venv module (on Debian: apt install python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@# callmon is on the path where it stands: nothing to build, nothing else to download
	@$(BIN)/python -c 'import site, pathlib; pathlib.Path(site.getsitepackages()[0], "callmon-here.pth").write_text("$(CURDIR)\n")'
	@touch $@

$(VENV)/run: requirements.txt $(VENV)/python
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/test: requirements-test.txt $(VENV)/run
	$(PIP) -r requirements-test.txt
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/test
	$(PIP) -r requirements-dev.txt
	@touch $@
