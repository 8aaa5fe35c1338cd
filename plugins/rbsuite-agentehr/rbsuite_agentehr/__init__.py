"""AgentEHR for rbsuite: predictions from a patient's record, with tools over a database. Importing this package loads nothing heavy."""
