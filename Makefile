# PYTHON is the one with the dev extra installed: make check PYTHON=python3 uses another than .venv's.
PYTHON ?= .venv/bin/python

.PHONY: check install test lint shots schema keys catalogue fuzz deep

check:  ## what .ci/run checks, in the environment that is there
	PYTHON="$(PYTHON)" bash .ci/run --here

install:
	python3 -m venv .venv
	.venv/bin/python -m pip install -q -e '.[dev]'

test:
	$(PYTHON) -m pytest -q

lint:
	PYTHON="$(PYTHON)" bash .ci/run --lint

schema:  ## the format as a JSON Schema, after a change of tutor/lessonfiles/schema.py or of a table that it names
	$(PYTHON) -c "from tutor.lessonfiles.schema import as_json; print(as_json(), end='')" > assets/lesson.schema.json

keys:  ## the tables of keys in README.md and docs/keys.md, after a change of tutor/play/commands.py
	$(PYTHON) -c "from pathlib import Path; from tutor.play.commands import with_tables; [p.write_text(with_tables(p.read_text('utf-8')), 'utf-8') for p in map(Path, ('README.md', 'docs/keys.md'))]"

catalogue:  ## the translations, after a change of any text of the program: what is new is listed without a translation
	$(PYTHON) assets/catalogue.py

shots:  ## the pictures in README.md
	$(PYTHON) assets/shots.py

fuzz:  ## random trouble for a minute each: make fuzz SECONDS=600 SEED=7
	$(PYTHON) benchmarks/fuzz.py --seconds $(or $(SECONDS),60) --seed $(or $(SEED),1)
	$(PYTHON) benchmarks/fuzz_lessons.py --seconds $(or $(SECONDS),60) --seed $(or $(SEED),1)

deep:  ## what no test run has time for: all lessons in all notations, fresh examples, ten times as many, then mutants of the engine: make deep SECONDS=3600
	BACKPROP_TUTOR_TESTS=deep $(PYTHON) -m pytest -q -n 2
	$(PYTHON) benchmarks/mutate.py --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED))
