"""WebArena for rbsuite: tasks on sites that the user serves, in a real browser, with upstream's grading."""
