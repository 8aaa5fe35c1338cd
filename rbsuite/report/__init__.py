"""How experiments are shown: tables, comparisons and JSON documents, made from their stores alone.

Nothing here prints, and nothing looks up a plugin: what must be known about one is in the manifest (:mod:`rbsuite.statistics.about`).
"""
