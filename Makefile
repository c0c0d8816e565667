# `make demo` builds everything and recognises photos; `make test` passes the tests. Both set up .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin

# A word of a shell command, whatever is in it: an apostrophe would end the quotes.
quoted = '$(subst ','\'',$1)'
# A value as a line of a makefile says it: a # would begin a comment there, and a $ name a variable.
HASH := \#
written = $(subst $(HASH),$$(HASH),$(subst $$,$$$$,$1))

# CARDS=… on the command line wins over PCR_CARDS of the environment, and that over what the last demo or refresh of this
# store was given; so `make plan` and `make dev` mean the same cards, and the same profile.
SOURCES := CARDS PHOTOS STRANGERS PROFILE
SHIPPED := $(patsubst pcr_assets/profiles/%.yaml,PROFILE=%,$(wildcard pcr_assets/profiles/*.yaml))
$(foreach name,STORE $(SOURCES),$(if $(PCR_$(name)),$(eval $(name) ?= $$(value PCR_$(name)))))
# `make adopt PREFIX=…` means the store in which that prefix lies. Shells have a PREFIX of their own: it counts in the call only.
ifeq ($(origin PREFIX),command line)
STORE := $(patsubst %/project/pokemon-card-recognition,%,$(patsubst %/,%,$(PREFIX)))
endif
STORE ?= store
# A bucket's own address of the project means the bucket; and what looks like a URL, but isn't s3://, would become a folder here.
ifeq ($(word 2,$(STORE)),)
override STORE := $(patsubst %/project/pokemon-card-recognition,%,$(patsubst %/,%,$(STORE)))
endif
ifneq ($(findstring :/,$(STORE)),)
$(if $(filter s3://%,$(STORE)),,$(error STORE=$(STORE) is neither a folder nor s3://bucket/prefix))
endif
# A path made absolute; its spaces are put aside meanwhile, for make would take it for several. Of ~/ the folder is one's home: bash
# says so itself, but zsh and sh leave it, and a store would lie in a folder called ~.
SPACE := $(subst ,, )
absolute = $(subst ␣,$(SPACE),$(abspath $(patsubst ~/%,$(subst $(SPACE),␣,$(HOME))/%,$(subst $(SPACE),␣,$1))))
INSTANCE := $(if $(findstring ://,$(STORE)),$(CURDIR),$(call absolute,$(STORE)))/.dagster
-include $(subst $(SPACE),\ ,$(INSTANCE))/sources.mk

# A URL without the slash at its end, or an absolute path.
place = $(if $(findstring ://,$1),$(patsubst %/,%,$1),$(call absolute,$1))
export PCR_STORE := $(call place,$(STORE))
export DAGSTER_HOME ?= $(INSTANCE)
export PCR_CARDS := $(call place,$(CARDS))
export PCR_PHOTOS := $(call place,$(PHOTOS))
export PCR_STRANGERS := $(call place,$(STRANGERS))
export PCR_PROFILE := $(if $(filter %.yaml %.yml,$(PROFILE)),$(call absolute,$(PROFILE)),$(PROFILE))
export PATH := $(BIN):$(PATH)

# A mistyped name (CARD=…) would be taken for nothing, and the sample cards for yours.
TAKEN := STORE $(SOURCES) PREFIX PYTHON SETS SOURCE LANG RATE DRY_RUN ASSET PHOTO RUNS ONLY SOAK KILLS SIZES SCANS WORK KEEP HOURS DAYS \
  APPLY MODEL WHY CAMERA PORT VENV SHELL DAGSTER_HOME PCR_% AWS_% XDG_%
STRAY := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(filter-out $(TAKEN),$(name))))
$(if $(strip $(STRAY)),$(error make has no setting $(strip $(STRAY)): see docs/commands.md, `Settings`))

.PHONY: demo test refresh plan explain build recognize serve dev lint setup clean bench bench-recognition bench-targets bench-frame bench-edge bench-incremental gc

demo: setup remember  ## build what is stale, then recognise photos: make demo [PROFILE=quick] [CARDS=… PHOTOS=… STORE=…]
	@python -m pcr_assets.demo

.PHONY: ingest
# LANG counts when it is named in the call only: every shell has one. The program gets one that knows all letters.
ingest: setup  ## card scans from a public catalogue into the raw folder: make ingest SETS="base1 sv3pt5" SOURCE=tcgdex LANG=en
	@LANG=C.UTF-8 python -m pcr_assets.ingest $(foreach set,$(SETS),$(call quoted,$(set))) --source $(call quoted,$(or $(SOURCE),tcgdex)) \
	  --lang $(call quoted,$(if $(filter command,$(origin LANG)),$(LANG),en)) $(if $(RATE),--rate $(call quoted,$(RATE))) $(if $(DRY_RUN),--dry-run)

refresh: setup remember  ## build what is stale: make refresh [PROFILE=…] [CARDS=… STORE=…]
	@python -m pcr_assets.refresh run

# Its exit code 3, work is pending, is no error to make.
plan: setup instance  ## say what is stale, and why
	@python -m pcr_assets.refresh plan || test $$? -eq 3

explain: setup instance  ## all that is known of an asset: make explain ASSET=card_index
	@python -m pcr_assets.refresh explain $(call quoted,$(or $(ASSET),*))

build: setup instance  ## one asset, stale or not: make build ASSET=student_int8
	@python -m pcr_assets.refresh build $(call quoted,$(or $(ASSET),$(error say which asset: make build ASSET=student_int8)))

# It knows S3 servers as AWS's own tools do.
EDGE := $(if $(AWS_ENDPOINT_URL),,$(if $(PCR_S3_ENDPOINT),AWS_ENDPOINT_URL=$(call quoted,$(PCR_S3_ENDPOINT)) ))edge-runtime
RELEASES = $(call quoted,$(PCR_STORE)/project/pokemon-card-recognition/releases)
# A bucket is asked by edge-runtime itself.
RELEASED = $(if $(findstring ://,$(STORE)),,test -d $(RELEASES) || { echo $(call quoted,$(PCR_STORE))' holds no release yet: `make demo` builds one, or name another STORE' >&2; exit 1; })

# What is one file is one photo, whatever its name holds; else a pattern, or several. make exports what its call sets.
recognize: setup  ## name the cards on photos, with the last release: make recognize PHOTO=photo.jpg
	@$(RELEASED)
	@$(if $(PHOTO),,$(error say which photo: make recognize PHOTO=photo.jpg))set -- "$$PHOTO"; \
	  test -e "$$1" || eval "set -- $$PHOTO"; $(EDGE) recognize --releases $(RELEASES) "$$@"

serve: setup  ## the cards in front of a camera on http://127.0.0.1:8080: make serve [CAMERA=0] [PORT=8080], or a stream, a video, a folder
	@$(RELEASED)
	@$(EDGE) serve $(call quoted,$(or $(CAMERA),0)) --releases $(RELEASES) $(if $(PORT),--port $(call quoted,$(PORT)))

# The daemon's request to start a run is over when the run's process has begun, which takes more than Dagster's 60 s where others,
# a training say, have all the processors. It would start the run once more, and the second process close as failed what the
# first one builds. A tick of a sensor ends after 60 s as before.
dev: export DAGSTER_GRPC_TIMEOUT_SECONDS ?= 600
dev: export DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS ?= 60
dev: PORT ?= 3000
dev: setup instance  ## the Dagster UI on http://127.0.0.1:3000, with its daemon: make dev [PORT=3000]
	@python -c 'import socket; socket.create_server(("127.0.0.1", $(PORT)))' 2>/dev/null \
	  || { echo 'port $(PORT) is in use, perhaps by another UI: stop that, or make dev PORT=3001' >&2; exit 1; }
	@python -m pcr_assets.automation.close_runs
	dagster dev -w workspace.yaml -h 127.0.0.1 -p $(PORT)

# What pip takes on a device below Python 3.13, where the camera and the chip ask for NumPy 1 (edge_runtime/service/constraints.txt):
# OpenCV 5 has names that 4 lacks.
DEVICE := $(VENV)/device
OF_PICTURES := finding following judging reading search server/test_command.py $(notdir $(wildcard edge_runtime/tests/test_*.py))

# Without what a person's own store was given: a test that read PCR_CARDS would write into their cards.
NOBODYS := env $(foreach name,STORE $(SOURCES),-u PCR_$(name))

# Three processes, also on two cores: a third of the time one waits, for a server, a browser, or a process that is to be killed.
test: setup $(DEVICE)/.ready  ## the tests; those of a device again with the packages of Debian 12
	$(NOBODYS) pytest -n 3
	$(NOBODYS) PYTHONPATH=$(call quoted,$(CURDIR)/$(DEVICE)) pytest -n 3 $(addprefix edge_runtime/tests/,$(OF_PICTURES))

$(DEVICE)/.ready: $(VENV)/.ready
	@rm -rf '$(DEVICE)' && mkdir -p '$(DEVICE)'
	@$(call quoted,$(BIN)/pip) install --quiet --no-compile --no-deps --target '$(DEVICE)' numpy==1.26.4 opencv-python-headless==4.11.0.86
	@touch $@

# What a test writes lies below a folder of its own there, and goes with the tests.
.PHONY: test-s3
test-s3: setup  ## is your S3 server good enough: PCR_S3_ENDPOINT=http://… make test-s3 STORE=s3://bucket/prefix
	@TESTED_STORE=$(call quoted,$(or $(filter s3://%,$(STORE)),$(error say where to try it: make test-s3 STORE=s3://bucket/prefix))) \
	  pytest -n 3 pcr_assets_tests/resources pcr_assets_tests/test_graph_on_s3.py

# With CARDS and a store built from them all benchmarks run, without only those that draw their own cards.
bench: setup  ## all benchmarks as one report, beside the last one: make bench [CARDS=… STORE=…] [RUNS=5] [ONLY="frame simulator"]
	@$(call quoted,$(BIN)/pip) install --quiet -c constraints.txt -e '.[bench]'
	@python benchmarks/bench.py $(if $(PCR_CARDS),--cards $(call quoted,$(PCR_CARDS)) --store $(call quoted,$(PCR_STORE))) $(if $(RUNS),--runs $(RUNS)) $(if $(ONLY),--only $(ONLY))

bench-recognition: setup  ## ours beside every other way of recognising a card: make bench-recognition CARDS=… PHOTOS=… STORE=…
	@python benchmarks/recognition.py --cards $(call quoted,$(PCR_CARDS)) $(if $(PCR_PHOTOS),--photos $(call quoted,$(PCR_PHOTOS))) --store $(call quoted,$(PCR_STORE))

bench-targets: setup  ## does the release reach what was asked of it: make bench-targets CARDS=… PHOTOS=… STORE=…
	@python benchmarks/targets.py --cards $(call quoted,$(PCR_CARDS)) $(if $(PCR_PHOTOS),--photos $(call quoted,$(PCR_PHOTOS))) --store $(call quoted,$(PCR_STORE))

bench-frame: setup  ## a frame part by part beside the bare network: make bench-frame STORE=… [CARDS=…]
	@python benchmarks/frame.py --store $(call quoted,$(PCR_STORE)) $(if $(PCR_CARDS),--cards $(call quoted,$(PCR_CARDS)))

bench-edge: setup  ## start, memory, search, a soak and kills, with 17,592 cards: make bench-edge STORE=… [SOAK=30] [KILLS=100]
	@python benchmarks/edge.py --store $(call quoted,$(PCR_STORE)) $(if $(SOAK),--soak $(SOAK)) $(if $(KILLS),--kills $(KILLS))

bench-incremental: setup  ## what new cards cost beside a full rebuild: make bench-incremental STORE=… [SIZES="1000 4000"] [SCANS=…]
	@python benchmarks/incremental.py --store $(call quoted,$(PCR_STORE)) --work $(call quoted,$(or $(WORK),.cache/incremental)) --cards $(or $(SIZES),1000 4000 16000) $(if $(SCANS),--scans $(call quoted,$(SCANS)))

gc: setup  ## say what nothing refers to any more, in the store and here; remove it: make gc APPLY=1 [KEEP=3] [HOURS=24] [DAYS=30]
	@python -m pcr_assets.tidy $(if $(KEEP),--keep $(KEEP)) $(if $(HOURS),--hours $(HOURS)) $(if $(DAYS),--days $(DAYS)) $(if $(APPLY),--apply)

# Without APPLY=1 nothing is written. Its exit code 3, there is something to adopt, is no error to make.
.PHONY: adopt
adopt: setup instance  ## take over what lies in a folder or s3://…, laid out as this project is: make adopt PREFIX=… [APPLY=1]
	@python -m pcr_assets.adopt $(call quoted,$(PCR_STORE)) $(if $(APPLY),--apply) || test $$? -eq 3

.PHONY: approve
approve: setup  ## say that a registered model may be used: make approve MODEL=efficientnet-student-stage2 [WHY="…"]
	@python -m pcr_assets.cloud.registry approve $(call quoted,$(or $(MODEL),$(error say which: make approve MODEL=efficientnet-student-stage2))) $(if $(WHY),--why $(call quoted,$(WHY)))

lint: setup  ## style and types
	ruff check . && ruff format --check . && mypy pcr_assets edge_runtime/edge_runtime
	env -u DAGSTER_HOME dagster definitions validate -w workspace.yaml

.PHONY: help
help:  ## this list
	@sed -n 's/^\([a-z-]*\): .*## /\1\t/p; s/^\([a-z-]*\):  *## /\1\t/p' Makefile | sort -u | awk -F'\t' '{ printf "make %-18s %s\n", $$1, $$2 }'

setup: $(VENV)/.ready

$(VENV)/.ready: setup.py edge_runtime/pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Python 3.11 is needed: make PYTHON=/path/to/python3.11")'
	@echo 'setting up $(VENV): some minutes, about 2.5 GB'
	@$(PYTHON) -m venv $(VENV)
	@$(call quoted,$(BIN)/pip) install --quiet --no-compile -c constraints.txt -e './edge_runtime[serve,mqtt]' -e '.[dev]'
	@touch $@

.PHONY: instance remember
instance:
	@mkdir -p $(call quoted,$(DAGSTER_HOME)) $(call quoted,$(INSTANCE)) && cp dagster.yaml $(call quoted,$(DAGSTER_HOME)/dagster.yaml)

# Remembered before the work, so that a refresh that failed or was stopped is gone on with by a plain `make refresh`; but only
# when everything named is there, so that a mistyped path isn't remembered.
remember: instance
	@for named in $(foreach name,$(SOURCES),$(call quoted,$(name)=$(PCR_$(name)))); do \
	  case "$$named" in *=|*://*) continue;; PROFILE=*) is=-f;; *) is=-d;; esac; \
	  case ' $(SHIPPED) ' in *" $$named "*) continue;; esac; \
	  test $$is "$${named#*=}" || { echo "$$named is not there: name what is, or nothing ($${named%%=*}=) for the default" >&2; exit 1; }; \
	done
	@printf '%s ?= %s\n' $(foreach name,$(SOURCES),$(name) $(call quoted,$(call written,$(PCR_$(name))))) > $(call quoted,$(INSTANCE)/sources.mk)

# The store holds models that took time and the keys that sign releases, which nothing can make again.
clean:  ## remove the environment; a store stays
	rm -rf $(VENV)
