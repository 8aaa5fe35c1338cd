"""GPQA for rbsuite: graduate-level science questions with four choices, and a sample of this project's own."""
