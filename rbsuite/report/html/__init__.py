"""The report of experiments as one page: figures and charts made of what ``rbsuite compare --json`` prints, and the rollouts."""
