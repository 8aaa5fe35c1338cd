"""mem0 as a memory for rbsuite: its own code, with the experiment's model and embedder."""
