# make digits: train on the embedded MNIST and draw a sheet.  make test: run the test suite.  make format: tidy the code.
# All set up what they need in .venv.  make clean: remove that, and what was drawn into generated_digits.

PYTHON ?= python3
.DELETE_ON_ERROR:
.PHONY: digits test format pretrained page clean

digits: .venv/run
	.venv/bin/python train.py
	.venv/bin/python generate_digits.py

test: .venv/dev
	.venv/bin/python -m pytest --numprocesses 2 --dist loadfile

format: .venv/dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# Remake the committed models, from a default run beside one's own, and the film, the sheet and the page in docs.
pretrained: .venv/run
	.venv/bin/python train.py --models-dir models/remade --samples-dir models/remade
	cd models/remade && cp generator.keras discriminator.keras run.json ../pretrained && cp training.gif ../../docs
	.venv/bin/python generate_digits.py --models-dir models/pretrained --output-dir docs
	$(MAKE) page

# Remake the page in docs, from the committed models.
page: .venv/run
	.venv/bin/python play.py --models-dir models/pretrained --output-dir docs

.venv/run: requirements.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet -r requirements.txt
	touch $@

.venv/dev: requirements-dev.txt requirements-tensorboard.txt requirements.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet -r requirements-dev.txt
	touch .venv/run $@

clean:
	rm -rf .venv generated_digits
