PYTHON ?= python3
SECONDS ?= 60
VENV := .venv
BIN := $(VENV)/bin
# One thread each, and no AMX: on a virtual machine that has it bfloat16 once came out wrong (docs/benchmarks.md).
ALIKE := OMP_NUM_THREADS=1 ONEDNN_MAX_CPU_ISA=AVX512_CORE_FP16

.PHONY: demo test lint bench clean

demo: $(VENV)/installed  ## the simulated rig through the whole line
	$(BIN)/rigbind demo --seconds $(SECONDS)

test: lint  ## everything that can be checked on this machine
	$(ALIKE) $(BIN)/python -m pytest -q --durations=10 -m 'not alone' -n logical --maxprocesses 4 --dist loadfile
	$(ALIKE) $(BIN)/python -m pytest -q --durations=10 -m alone

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/installed
	$(BIN)/rigbind bench sync
	$(BIN)/rigbind bench bus
	$(BIN)/rigbind bench overhead

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rigbind needs Python 3.11 or later, " + sys.executable + " is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache
