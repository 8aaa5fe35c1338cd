"""The simulated learner: in-process models with a known ground truth, and what they need to know about an environment."""
