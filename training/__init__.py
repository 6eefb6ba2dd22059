"""What happens around the steps of a run. For train.py, and for the benchmarks that train as it does."""
