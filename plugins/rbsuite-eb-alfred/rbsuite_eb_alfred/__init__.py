"""EB-ALFRED for rbsuite: household tasks by named actions; see :mod:`rbsuite_eb_alfred.environment`."""
