"""The way to an EmbodiedBench installed elsewhere: a process in its Python, asked through JSON lines.

:mod:`~rbsuite_embodied.bridge.server` runs there, everything else here.
"""
