"""The report of experiments as one page: figures and charts made from the output of ``rbsuite compare --json``, and the rollouts."""
