"""MMLU-Pro for rbsuite: questions of 14 categories with up to ten choices, and a sample of this project's own."""
