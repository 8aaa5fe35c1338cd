"""A local server that shows experiments in a browser while they run. It only reads."""
