"""EB-Habitat for rbsuite; see :mod:`rbsuite_eb_habitat.environment`."""
