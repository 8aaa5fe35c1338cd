"""mem0 as a memory of rbsuite: its code, with the experiment's model and embedder."""
