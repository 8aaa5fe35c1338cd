"""Question answering for rbsuite: what AIME, GPQA, MMLU-Pro and similar benchmarks share."""
