"""Reports the runs of rbsuite to MLflow (PyPI: mlflow-skinny)."""
