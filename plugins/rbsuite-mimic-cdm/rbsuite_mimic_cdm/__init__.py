"""MIMIC-CDM for rbsuite: an agent gathers findings of a patient with abdominal pain, and names a diagnosis and a treatment."""
