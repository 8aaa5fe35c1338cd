"""AIME for rbsuite: the American Invitational Mathematics Examination of 2024, 2025 and 2026, and a sample of this project's own."""
