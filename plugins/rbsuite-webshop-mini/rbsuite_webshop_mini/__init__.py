"""A small shop of this project's own, in a real browser, for rbsuite."""
