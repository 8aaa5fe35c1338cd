"""BabyAI and MiniGrid (PyPI: minigrid) for rbsuite."""
