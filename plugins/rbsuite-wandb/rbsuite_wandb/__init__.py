"""Reports the runs of rbsuite to Weights & Biases (PyPI: wandb)."""
