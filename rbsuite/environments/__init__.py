"""Environments: the base class, its spaces, reference solutions, simulated users."""
