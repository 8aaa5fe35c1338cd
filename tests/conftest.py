"""Shared by all tests of the core."""

# Its pytest plugin would import it at the very end of a session otherwise, and there CPython 3.11 before 3.11.8 can fail to compile it
# (python/cpython#106905).
import hypothesis  # noqa: F401
