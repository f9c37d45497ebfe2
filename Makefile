# Two commands matter: make serve, make test. Both work in a fresh clone with
# nothing but Python 3.11+ and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export HOST ?= 127.0.0.1
export PORT ?= 8090

.PHONY: serve test bench messages torture lint format tools

serve: $(VENV)/.installed ## Run the site on http://127.0.0.1:8090
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py first_superuser
	@echo "Serving on http://$(HOST):$(PORT)"
	@exec $(BIN)/gunicorn --config backups_project/gunicorn.py

test: $(VENV)/.installed-dev tools lint ## Run every test and every check
	$(BIN)/python -m pytest $(TESTS)

torture: $(VENV)/.installed-dev tools ## Prove docs/reliability.md, in two hours or more
	@env TORTURE_POINTS=$${TORTURE_POINTS:-300} TORTURE_FAULTS=$${TORTURE_FAULTS:-200} \
	 TORTURE_THREADS=$${TORTURE_THREADS:-12} TORTURE_LEVELS=$${TORTURE_LEVELS:-7} \
	 TORTURE_RESULTS=$${TORTURE_RESULTS:-data/torture} \
	 $(BIN)/python -m pytest $(or $(TESTS),tests/torture)

bench: $(VENV)/.installed-dev ## Measure it beside its rivals; see bench/README.md
	@sh tools/bring.sh bench
	$(BIN)/python -m bench $(BENCH)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py spectacular --validate --fail-on-warn >/dev/null
	HTTPS=true $(BIN)/python manage.py check --deploy --fail-level WARNING

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

messages: $(VENV)/.installed-dev ## Gather and compile the translations (needs gettext)
	PATH=$(CURDIR)/$(BIN):$$PATH sh tools/messages.sh

tools: ## Bring the programs that tests drive (on Debian as root)
	@sh tools/bring.sh

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@
