"""A synthetic hospital: invented patients, made by a seeded program, in the layout that AgentEHR's data has."""
