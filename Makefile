# `make convert` and `make test` are all a new user needs; both make .venv from pinned versions first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: convert test test-fast test-android test-ios testdata fuzz lint format docs benchmark arm64 arm64-setup release clean

convert: $(INSTALLED) ## the bundled checkpoint -> build/, one bundle a target
	$(BIN)/levit-mobile convert --target all --out build --force

test: lint ## lint, types, tests
	$(BIN)/python -m pytest -n auto --dist loadfile

test-fast: $(INSTALLED) ## what a developer runs at every step, in a minute and a half
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

fuzz: $(INSTALLED) ## every night: 600 damaged files of each kind through `inspect`, where `make test` takes 100
	MUTANTS=600 $(BIN)/python -m pytest tests/inspection/test_inspect_fuzz.py

test-android: ## the Android demo, without Gradle and without the Android SDK; NOT RUN without Java, Maven or aapt2
	$(PYTHON) android_demo/tools/build.py

test-ios: ## the iOS demo's package on Linux; sets up Swift 6 from Debian's packages; NOT RUN where that is impossible
	$(PYTHON) ios_demo/tools/build.py

testdata: $(INSTALLED) ## the vectors that the Python, Kotlin and Swift tests share
	$(BIN)/python tools/write_testdata.py

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(INSTALLED) ## the documentation -> build/docs, without a network
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --nitpicky --builder html docs build/docs

arm64-setup: $(INSTALLED) ## both runtimes for ARM64, in the user's cache folder
	$(BIN)/levit-mobile setup arm64

arm64: arm64-setup ## parity and cost of the bundled model with the phone's own kernels
	$(BIN)/python -m pytest tests/arm64/test_arm64_bundles.py

benchmark: $(INSTALLED) ## latency and conversion cost, against the stock path
	$(BIN)/python benchmarks/stock.py

release: ## VERSION=0.2.0 [DRY_RUN=1]: version, changelog, commit and tag
	$(PYTHON) tools/release.py $(VERSION) $(if $(DRY_RUN),--dry-run)

clean:
	rm -rf $(VENV) build

# One pip call, because several leave shared dependencies at odds.
$(INSTALLED): pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	touch $(INSTALLED)
