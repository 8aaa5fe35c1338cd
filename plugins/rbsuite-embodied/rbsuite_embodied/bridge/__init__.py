"""The bridge to an EmbodiedBench installed elsewhere: a process in its Python that answers requests over JSON lines.

:mod:`~rbsuite_embodied.bridge.server` runs there, everything else here.
"""
