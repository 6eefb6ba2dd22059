"""Speed and quality, ours and the peers': commands that write the JSON, tables and plots of the READMEs."""
