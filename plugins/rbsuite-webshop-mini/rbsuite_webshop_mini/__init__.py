"""A small shop by this project, in a real browser, for rbsuite."""
