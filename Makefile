# Thin over tox.ini: every target is one of its environments.
PYTHON ?= python3.11
# What `make lab` is told besides: LAB='--only x86' leaves the ARM devices out.
LAB ?=
TOX := .tox/bootstrap/bin/tox

.PHONY: quickstart check test docs pythons release-check bench wild fuzz campaign known-truth study lab lab-down lab-fleet lab-fleet-down gpu clean

quickstart: $(TOX)
	@$(TOX) run -qq -e dev -- benchhub run quickstart

# Minutes before `make test`: style, types, and every test that starts no process and no server.
check: $(TOX)
	@$(TOX) run -qq -e dev -- scripts/check

# The tests that wait for devices leave room for what builds and installs; style comes first.
test: $(TOX)
	scripts/install-system-packages
	$(TOX) run-parallel --parallel 2 --parallel-live --parallel-no-spinner

# The documentation as a site, in .site; it needs no server: open .site/index.html.
docs: $(TOX)
	@$(TOX) run -qq -e docs
	@echo .site/index.html

# The tests of pure code and the quickstart on each Python that pyproject.toml names and that is here.
pythons: $(TOX)
	.tox/bootstrap/bin/python scripts/pythons.py

# What would be published: built, held against the tree, installed alone, run. `make test` does it too.
release-check: $(TOX)
	@$(TOX) run -qq -e release

bench: $(TOX)
	$(TOX) run -e bench

# Public models out of packages on the index: 30 minutes and 250 MB of downloads. WILD='--only magika'.
WILD ?= -o reports/wild
wild: $(TOX)
	$(TOX) run -e wild -- $(WILD)

# Parsers of files and devices under mutation, ten minutes each over all sittings; what is found is
# kept in .fuzz. FUZZ='--resume --sitting 20 --only npz' is a short sitting with one of them.
FUZZ ?= --resume
fuzz: $(TOX)
	@$(TOX) run -qq -e fuzz -- $(FUZZ)

# KNOWN_TRUTH=--quick takes two minutes instead of twenty. Figures land in known-truth.json too.
known-truth: $(TOX)
	$(TOX) run -e known-truth -- --json known-truth.json $(KNOWN_TRUTH)

# A thousand scenarios with faults, hours of them: cut short, it goes on where it was.
# CAMPAIGN='--only 17' plays one again.
CAMPAIGN ?= --seeds 0:1000 --folder .campaign --resume -o reports/fault-campaign
campaign: $(TOX)
	scripts/install-system-packages
	$(TOX) run -e campaign -- $(CAMPAIGN)

# A case study: STUDY is a folder of suites/, EFFORT is quick, standard or rigorous.
STUDY ?= cardiac-sculpting
EFFORT ?= quick
study: $(TOX)
	@$(TOX) run -qq -e studies -- benchhub run $(STUDY) --effort $(EFFORT)

lab: $(TOX)
	scripts/install-system-packages
	@$(TOX) run -qq -e dev -- python -m tests.lab up --dir .lab $(LAB)

lab-down: $(TOX)
	@$(TOX) run -qq -e dev -- python -m tests.lab down --dir .lab

# Two sites of ten hosts with a gateway each, a scheduler and a PostgreSQL server, for docs/how-to/sites.md.
lab-fleet: $(TOX)
	scripts/install-system-packages
	@$(TOX) run -qq -e dev -- python -m tests.lab.fleet up --dir .lab-fleet

lab-fleet-down: $(TOX)
	@$(TOX) run -qq -e dev -- python -m tests.lab.fleet down --dir .lab-fleet

gpu: $(TOX)
	@$(TOX) run -qq -e gpu

$(TOX):
	$(PYTHON) -m venv .tox/bootstrap
	.tox/bootstrap/bin/python -m pip install --quiet --disable-pip-version-check 'tox>=4.25'

clean:
	rm -rf .venv .tox .site dist
