# Each target does the set-up it needs, once: `make demo` and `make test` are the only commands to type on a fresh machine.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
PORT   ?= 8321

# llama.cpp is compiled for this machine as a library only: its tools, server, examples and image code are not needed.
export CMAKE_ARGS ?= -DLLAMA_BUILD_TOOLS=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAVA_BUILD=OFF

.PHONY: demo run test lint bench llama-bench eval reader corpora clean

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) once: this takes some minutes, llama.cpp is compiled for this machine."
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet -c constraints.txt torch
	$(PIP) install --quiet -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --quiet -c constraints.txt -e ".[dev]"
	# of this package the tests need one file, axe-core's script; its own dependency (a second browser driver) stays out
	$(PIP) install --quiet --no-deps -c constraints.txt axe-playwright-python
	@touch $@

demo: $(VENV)/.installed
	@echo
	@echo "1. A folder of documents goes in (corpora/field-manual: a manual of a water-treatment unit, a sheet, a log)"
	$(BIN)/ragedge --config configs/field-manual.toml ingest corpora/field-manual/documents
	@echo
	@echo "2. Three questions"
	@$(BIN)/ragedge --config configs/field-manual.toml ask --file corpora/field-manual/demo-questions.txt
	@echo
	@echo "3. Your own documents:  $(BIN)/ragedge ingest FOLDER && $(BIN)/ragedge serve"
	@echo
	@echo "4. The page, with questions to click:  make run"
	@echo "   and open  http://127.0.0.1:$(PORT)/"

run: $(VENV)/.installed
	$(BIN)/ragedge --config configs/field-manual.toml ingest corpora/field-manual/documents
	$(BIN)/ragedge --config configs/field-manual.toml serve --port $(PORT)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed
	$(BIN)/ragedge --config configs/field-manual.toml bench

# llama.cpp's own measuring program, out of the very sources and with the settings the binding is built from; about ten minutes on two cores.
# Then: ragedge bench engine --llama-bench build/llama-bench/bin/llama-bench
SOURCES := build/llama-bench-sources
llama-bench: $(VENV)/.installed
	mkdir -p $(SOURCES)
	$(PIP) download --quiet --no-deps --no-binary llama-cpp-python -c constraints.txt -d $(SOURCES) llama-cpp-python
	tar -xzf $(SOURCES)/llama_cpp_python-*.tar.gz -C $(SOURCES) --strip-components=1
	cmake -S $(SOURCES)/vendor/llama.cpp -B build/llama-bench $(CMAKE_ARGS) -DCMAKE_BUILD_TYPE=Release -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF \
	  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_TOOLS=ON
	cmake --build build/llama-bench --target llama-bench --parallel 2

# The evaluation cases are optional and lie outside of the repository; ingesting them all takes about 20 minutes.
DATA  ?= ../shared/data
CASES ?= survival handbook museum irm sec10q chunking squad_dev
eval: $(VENV)/.installed
	@test -d $(DATA) || { echo "$(DATA) not found (evaluation data is optional)"; exit 3; }
	@for case in $(CASES); do \
	  limit=; [ $$case = squad_dev ] && limit="--limit 400"; \
	  $(BIN)/ragedge eval $(DATA)/$$case/questions.jsonl --corpus $(DATA)/$$case/corpus $$limit || exit; echo; \
	done

# The evidence model, from data to file: minutes on a GPU, a night on two cores. What was measured: ragedge/evidence_model/README.md
reader: $(VENV)/.installed-dev
	$(BIN)/python -m tests.recipes.reader.prepare $(DATA) build/reader/pack.npz --given build/reader/given.npz
	$(BIN)/python -m tests.recipes.reader.train build/reader/pack.npz build/reader/reader.safetensors --seconds $(SECONDS) $(if $(HELD),--held-out $(HELD) --given build/reader/given.npz)
	$(BIN)/python -m tests.recipes.reader.export build/reader/reader.safetensors build/reader/pack.npz build/reader/model
	@echo "Compare build/reader/model with ragedge/evidence_model: python -m tests.recipes.reader.measure $(DATA)/squad_dev --folder build/reader/model"
SECONDS ?= 870
# a file of tests.recipes.reader.held_out: the best state on its questions is kept instead of the last
HELD ?=

corpora: $(VENV)/.installed-dev
	$(BIN)/python -m corpora.make

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache build *.egg-info
