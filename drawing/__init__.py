"""How digits are drawn, filmed, and written as data sets. For generate_digits.py, and for benchmarks."""
