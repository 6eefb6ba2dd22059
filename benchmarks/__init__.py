"""Speed and quality, ours and the peers'. Commands that write the JSON, tables and plots of the READMEs."""
