"""Environments: the base class, where episodes run, reference solutions, simulated users."""
