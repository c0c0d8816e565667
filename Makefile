# `make demo` builds everything and recognises photos; `make test` passes the tests. Both set up .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
STORE ?= store
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin

# What `make demo CARDS=… PHOTOS=…` was given is kept with the instance, so that `make plan` and `make dev` mean the same cards.
INSTANCE := $(if $(findstring ://,$(STORE)),$(CURDIR)/.dagster,$(abspath $(STORE))/.dagster)
-include $(INSTANCE)/sources.mk

export PCR_STORE := $(if $(findstring ://,$(STORE)),$(STORE),$(abspath $(STORE)))
export DAGSTER_HOME ?= $(INSTANCE)
export PCR_CARDS := $(if $(findstring ://,$(CARDS)),$(CARDS),$(abspath $(CARDS)))
export PCR_PHOTOS := $(if $(findstring ://,$(PHOTOS)),$(PHOTOS),$(abspath $(PHOTOS)))
export PCR_STRANGERS := $(if $(findstring ://,$(STRANGERS)),$(STRANGERS),$(abspath $(STRANGERS)))
export PATH := $(BIN):$(PATH)

.PHONY: demo test refresh plan dev lint setup clean

demo: setup instance  ## everything: build what is stale, then recognise photos
	@python -m pcr_assets.demo

refresh: setup instance  ## build what is stale
	@python -m pcr_assets.refresh run

plan: setup instance  ## say what is stale, and why
	@python -m pcr_assets.refresh plan

dev: setup instance  ## the Dagster UI on http://127.0.0.1:3000, with its daemon
	dagster dev -w workspace.yaml -h 127.0.0.1 -p 3000

test: setup  ## the tests
	pytest -n 2

lint: setup  ## style and types
	ruff check . && ruff format --check . && mypy pcr_assets edge_runtime/edge_runtime
	env -u DAGSTER_HOME dagster definitions validate -w workspace.yaml

setup: $(VENV)/.ready

$(VENV)/.ready: setup.py edge_runtime/pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e ./edge_runtime -e '.[dev]'
	touch $@

.PHONY: instance
instance:
	@mkdir -p $(DAGSTER_HOME) $(INSTANCE) && cp dagster.yaml $(DAGSTER_HOME)/dagster.yaml
	@printf 'CARDS ?= %s\nPHOTOS ?= %s\nSTRANGERS ?= %s\n' '$(PCR_CARDS)' '$(PCR_PHOTOS)' '$(PCR_STRANGERS)' > $(INSTANCE)/sources.mk

clean:  ## the environment and the default store
	rm -rf $(VENV) store
