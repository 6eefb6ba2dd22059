# make digits: train on the embedded MNIST and draw a sheet.  make test: run the test suite.
# Both set up all they need in .venv.

PYTHON ?= python3
.DELETE_ON_ERROR:
.PHONY: digits test pretrained clean

digits: .venv/run
	.venv/bin/python train.py
	.venv/bin/python generate_digits.py

test: .venv/dev
	.venv/bin/python -m pytest

# Remake the committed models, from a default run, and the picture in the README.
pretrained: .venv/run
	.venv/bin/python train.py
	cp models/generator.keras models/discriminator.keras models/run.json models/pretrained
	.venv/bin/python generate_digits.py --models-dir models/pretrained --output-dir docs

.venv/run: requirements.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet -r requirements.txt
	touch $@

.venv/dev: requirements-dev.txt .venv/run
	.venv/bin/python -m pip install --quiet -r requirements-dev.txt
	touch $@

clean:
	rm -rf .venv generated_digits
