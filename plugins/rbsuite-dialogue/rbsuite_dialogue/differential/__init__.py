"""A world against upstream itself, live: the same random calls, observation by observation and hash by hash.

For maintainers. This is the only place that runs upstream's code: from a checkout that the caller names, in its own process.
"""
