# Two commands do everything on a fresh machine: `make run` and `make test`.
# The first interpreter that runs and is new enough; a shim of a version manager may be there and not run.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
BIN := .venv/bin

.PHONY: run test check lock audit clean

run: .venv/installed
	@scripts/system_packages.sh packages.txt
	$(BIN)/python app.py

test: .venv/installed-dev
	@scripts/system_packages.sh packages.txt packages-dev.txt
	$(BIN)/python -m pytest tests --numprocesses 2 --dist loadscope

# Format, lint and types, without changing a file.
check: .venv/installed-dev
	$(BIN)/ruff format --check . || { echo "Put it right with: $(BIN)/ruff format ."; exit 1; }
	$(BIN)/ruff check .
	$(BIN)/mypy

# requirements.lock: every package that requirements.txt brings along, with the hashes of its files.
# constraints.txt: the same versions without hashes, and those of the packages that only development needs.
lock: .venv/tools
	.venv/tools/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
		--no-emit-options --output-file requirements.lock requirements.txt
	{ echo "# Made by make lock: the versions of requirements.lock without hashes, then what only development needs."; \
		sed -n 's/^\([A-Za-z0-9._-]*==[^ ;\\]*\).*/\1/p' requirements.lock; } > constraints.txt
	.venv/tools/bin/pip-compile --quiet --allow-unsafe --strip-extras --no-header --no-annotate --no-emit-options \
		--constraint constraints.txt --output-file .venv/development.txt requirements-dev.txt
	grep -vxFf constraints.txt .venv/development.txt | sed 's/ *;.*//' >> constraints.txt

# Fails on a known vulnerability, on a package that could not be looked up, and on one without a hash.
audit: .venv/tools
	.venv/tools/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

.venv/tools: .venv/installed
	$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --disable-pip-version-check pip-tools==7.6.2 pip-audit==2.10.1

.venv/installed: requirements.txt constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@

clean:
	rm -rf .venv
