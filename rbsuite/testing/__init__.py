"""The kit for tests: what rbsuite's own tests and those of plugins use."""
