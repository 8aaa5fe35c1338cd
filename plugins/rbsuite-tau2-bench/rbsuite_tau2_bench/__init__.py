"""tau2-bench for rbsuite."""
