# Two commands do everything on a fresh machine: `make run` and `make test`.
# The first interpreter that runs and is new enough; a shim of a version manager may be there and not run.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
BIN := .venv/bin

.PHONY: run test lint clean

run: .venv/installed
	@scripts/system_packages.sh packages.txt
	$(BIN)/python app.py

test: .venv/installed-dev
	@scripts/system_packages.sh packages.txt packages-dev.txt
	$(BIN)/python -m pytest tests

lint: .venv/installed-dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

.venv/installed: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

clean:
	rm -rf .venv
