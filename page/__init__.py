"""The page that play.py writes: its HTML and scripts, and what it holds of the models."""
