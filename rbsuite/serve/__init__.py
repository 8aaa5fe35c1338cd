"""A server that offers rbsuite's simulated models in the way providers offer theirs, and that can be told to fail as they do."""
