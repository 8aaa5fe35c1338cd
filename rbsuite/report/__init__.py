"""What is shown of experiments: tables, comparisons and JSON documents, made from their stores alone.

Nothing here prints, and nothing looks up a plugin: what has to be known of one stands in the manifest (:mod:`rbsuite.statistics.about`).
"""
