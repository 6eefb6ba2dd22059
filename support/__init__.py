"""What every command stands on: flags, errors and signals; whole files; data sets; checked model files. For all."""
