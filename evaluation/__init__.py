"""How good digits are: the judge, the measures, the report. For evaluate.py, and for training to measure as it goes."""
