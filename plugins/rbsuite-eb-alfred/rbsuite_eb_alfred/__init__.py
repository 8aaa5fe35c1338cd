"""EB-ALFRED for rbsuite: household tasks with named actions; see :mod:`rbsuite_eb_alfred.environment`."""
