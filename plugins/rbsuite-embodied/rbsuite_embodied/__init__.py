"""What the plugins of household benchmarks with named actions share; see :mod:`rbsuite_embodied.environment`."""
