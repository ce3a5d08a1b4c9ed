# Every target sets itself up: .venv/ from requirements.lock, the pages from web/ (see setup/).

PORT ?= 8101
NODES ?=
ROUNDS ?= 200
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo demo-clean test check check-format check-lint check-types check-layers check-unused check-pages check-docs bench torture screenshots docs setup python pages chromium mosquitto lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

demo: python pages ## start Paris on 8101 and San Francisco on 8102 (PORT=9101 and NODES=paris change that; NODES=all adds the reference sets on 8103)
	@exec .venv/bin/passerelle demo --port $(PORT) $(NODES)

demo-clean: ## forget the demo's folders
	@for lock in demo/*/lock; do \
	  if [ -e "$$lock" ] && ! flock --nonblock "$$lock" true; then \
	    echo "A node runs on $${lock%/lock}; stop it first (Ctrl-C where make demo runs)."; exit 1; \
	  fi; done
	@rm -rf demo

test: check chromium mosquitto pages ## all that CI runs: check, then every test
	@.venv/bin/python -m pytest

check: check-format check-lint check-types check-layers check-unused check-pages check-docs ## format, lint, types, layers, dead code, pages, docs

check-format: python
	@.venv/bin/ruff format --check --quiet . || { echo "Run .venv/bin/ruff format ."; exit 1; }

check-lint: python
	@.venv/bin/ruff check --quiet .

check-types: python
	@.venv/bin/mypy

check-layers: python
	@.venv/bin/lint-imports --no-logo >.make/layers.txt || { cat .make/layers.txt; exit 1; }

# Fields that only a reader of JSON uses look unused to vulture, hence no variables.
check-unused: python
	@.venv/bin/vulture >.make/unused.txt || [ $$? -eq 3 ]
	@! grep -v "unused variable '.*' (60% confidence)" .make/unused.txt

check-pages: python
	@sh setup/pages.sh packages
	@cd web && PATH="$(CURDIR)/.venv/bin:$$PATH" npm run --silent check

check-docs: python
	@.venv/bin/python -m pytest tests/test_architecture.py tests/test_docs.py

bench: python ## measure what bench/README.md reports, and write it there
	@.venv/bin/python bench/run.py

torture: python ## kill, fill and corrupt a node ROUNDS times (200), mutate 5,000 replies as often
	@.venv/bin/python -m pytest tests/torture tests/feeds/test_mutations.py -m "" --rounds $(ROUNDS) --timeout 0

screenshots: chromium pages ## take the pictures of docs/screenshots/ anew
	@.venv/bin/python web/screenshots.py

docs: python ## write the tables of README.md and docs/ from what the program says
	@.venv/bin/python docs/tables.py

setup: python pages chromium mosquitto ## only install and build

lock: ## resolve the locks anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev -o requirements.lock pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes -o setup/node.lock setup/node.in

clean: ## remove all that make made but the demo's folders
	@rm -rf .venv .make web/node_modules src/passerelle/api/pages

python:
	@sh setup/python.sh

pages: python
	@sh setup/pages.sh

chromium: python
	@sh setup/chromium.sh

mosquitto:
	@mkdir -p .make
	@sh setup/mosquitto.sh
