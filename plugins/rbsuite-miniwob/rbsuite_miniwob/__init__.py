"""MiniWoB++ (PyPI: miniwob) for rbsuite, in a real browser."""
