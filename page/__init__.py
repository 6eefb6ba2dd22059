"""The page that play.py writes: its HTML and scripts, and what of the models is put into it."""
