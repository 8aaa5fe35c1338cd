"""The simulated learner: in-process models whose truth is known, and what they need to know of an environment."""
