"""Question answering for rbsuite: what AIME, GPQA, MMLU-Pro and benchmarks like them share."""
