# The course from the command line; `make help` lists what there is. Works with Python 3.11 to 3.13 and nothing else.

ifneq ($(findstring :,$(CURDIR)),)
$(error $(CURDIR) holds a colon, which parts the folders of PATH, so that Python makes no environment there; rename or move it)
endif

PYTHON   ?= python3
BUDGET   ?= cpu
LESSONS  ?= all
SEEDS    ?= 0
PARAMS   ?=
GRID     ?=
BACKEND  ?= tensorflow
CORES    ?= all
PROFILE  ?= local
STORE    ?=
WORKERS  ?= 2
# DEVICE=gpu installs TensorFlow with CUDA, into an environment of its own: two TensorFlow packages never share one.
DEVICE   ?= cpu

ifeq ($(DEVICE),gpu)
VENV := .venv-gpu
LOCK := requirements-gpu.lock
else ifeq ($(DEVICE),cpu)
VENV := .venv
LOCK := requirements.lock
else
$(error DEVICE=$(DEVICE) must be cpu or gpu)
endif

BIN   := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export KERAS_BACKEND := $(BACKEND)
# Handed on by the environment, so that they may hold quotes of either kind.
export PARAMS GRID
# Modules of the course are looked for in this folder.
unexport PYTHONSAFEPATH

COURSE := $(BIN)/python -m workflow.course
SELECT := --budget "$(BUDGET)" --lessons "$(LESSONS)" --seeds "$(SEEDS)" --params "$$PARAMS" --backend "$(BACKEND)" \
          --cores "$(CORES)" --lock $(LOCK) $(if $(RUN),--run "$(RUN)")
CHECK  := $(BIN)/python -m workflow.notebook_tools check --workers $(WORKERS) $(if $(filter-out all,$(LESSONS)),"$(LESSONS)") \
          $(if $(CHANGED),--changed "$(CHANGED)") $(if $(SHARD),--shard "$(SHARD)")

.PHONY: help course plan lab report reference merge compare verify intervals robust twice refresh test lint unit faults notebooks handout site bench backends lock clean
.DEFAULT_GOAL := help

help: ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'
	@echo
	@echo '  BUDGET=quick|cpu|gpu  LESSONS=04-11  SEEDS=0-2  PARAMS="epochs=3"  BACKEND=tensorflow|jax|torch'
	@echo '  CORES=2  PROFILE=local|slurm  GRID="width=.25,.5"  DEVICE=cpu|gpu  RUN=<folder>  CHANGED=<git reference>  SHARD=1/4  WORKERS=2'
	@echo '  STORE=<folder or address>  A=<folder> B=<folder>  PYTHON=python3.12'

$(READY): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "error: Python 3.11 to 3.13 is needed, `$(PYTHON) --version` was found; name another with PYTHON=python3.12"; exit 1; }
	@echo "installing the pinned packages into $(VENV): once, about two minutes"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --require-hashes -r $(LOCK)
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

course: $(READY) ## run the lessons and write runs/<budget>/report.html
	@$(COURSE) run $(SELECT) --grid "$$GRID" --profile "$(PROFILE)" --store "$(STORE)"

plan: $(READY) ## show jobs, minutes, memory and disk before anything runs
	@$(COURSE) plan $(SELECT) --grid "$$GRID"

lab: $(READY) ## open the lessons in JupyterLab, with the parameters of BUDGET filled in (quick unless named)
	@$(COURSE) lab $(SELECT) --budget "$(if $(filter file,$(origin BUDGET)),quick,$(BUDGET))"

report: $(READY) ## make the report of runs/<budget> again
	@$(COURSE) report $(SELECT)

reference: $(READY) ## keep the records of a run under reference/<budget>, to be committed
	@$(COURSE) reference $(SELECT)

merge: $(READY) ## bring the records of the runs A=<folder> and B=<folder> together in RUN=<folder>, with one report
	@$(COURSE) merge "$(A)" "$(B)" --run "$(RUN)"

compare: $(READY) ## what differs between the runs A=<folder> and B=<folder> beyond the spread
	@$(COURSE) compare "$(A)" "$(B)"

verify: $(READY) ## run lessons twice and compare weights, curves and outputs to the bit (BUDGET=quick unless named)
	@$(BIN)/python -m workflow.verify $(SELECT) --budget "$(if $(filter file,$(origin BUDGET)),quick,$(BUDGET))"

intervals: $(READY) ## derive the intervals of what lessons measure from at least ten seeds (SEEDS=0-9, BUDGET=quick unless named)
	@$(BIN)/python -m workflow.derive_intervals $(SELECT) --budget "$(if $(filter file,$(origin BUDGET)),quick,$(BUDGET))" \
	  --seeds "$(if $(filter file,$(origin SEEDS)),0-9,$(SEEDS))"

robust: $(READY) ## run lessons under six arithmetics of other processors: the spread of what they measure, and its room
	@$(BIN)/python -m workflow.robust --lessons "$(LESSONS)" --workers $(WORKERS) $(if $(RUN),--run "$(RUN)")

twice: $(READY) ## run each cell twice in one kernel, then the lesson again; CHANGED= runs three lessons changed themselves
	@$(BIN)/python -m workflow.twice --lessons "$(LESSONS)" --workers $(WORKERS) $(if $(RUN),--run "$(RUN)") \
	  $(if $(CHANGED),--changed "$(CHANGED)")

refresh: $(READY) ## run the committed notebooks at their defaults and store their outputs
	@$(BIN)/python -m workflow.notebook_tools refresh $(filter-out all,$(LESSONS))

test: lint unit notebooks $(if $(CHANGED),twice) site ## everything that continuous integration checks

lint: $(READY) ## style of the code, and the lint of the notebooks
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/python -m workflow.notebook_tools lint

unit: $(READY) ## unit tests, on every backend that is installed
	@$(BIN)/python -m workflow.unit_tests

faults: $(READY) ## kill runs at random moments and see that they resume: minutes, not part of make test
	@$(BIN)/python -m pytest -q -p no:xdist tests/faults

notebooks: $(READY) ## compare the committed outputs with fresh ones (nbval); CHANGED= and SHARD= check a part
	@mkdir -p runs/checks
	@$(CHECK) --junit runs/checks/notebooks.xml

handout: $(READY) ## copies for a class: without outputs and solutions, and with them for the teacher: build/handout
	@$(BIN)/python -m workflow.handout --lessons "$(LESSONS)"

site: $(READY) ## build the documentation site from the committed outputs, without a network: build/site/html
	@$(BIN)/python -m workflow.site

bench: $(READY) ## side-by-side measurements
	@$(BIN)/python -m benchmarks

backends: $(READY) ## install the pinned jax and torch beside TensorFlow
	@$(BIN)/pip install --quiet -r requirements-backends.txt

lock: ## solve the lock files again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --custom-compile-command "make lock" --extra cpu --extra course --extra test --extra site pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
	  --custom-compile-command "make lock" --extra gpu --extra course --extra test --extra site pyproject.toml -o requirements-gpu.lock

clean: ## remove runs and caches (not the environment)
	rm -rf runs .pytest_cache .ruff_cache build *.egg-info
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
