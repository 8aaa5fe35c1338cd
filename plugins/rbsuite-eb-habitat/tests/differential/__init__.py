"""The engine beside upstream's own code, which runs unchanged on a simulator made up of the engine's physics.

Test equipment; see ``test_differential.py``. Upstream is a checkout of zjunlp/WorldMind that holds ``embodiedbench`` and ``habitat-lab``.
"""
