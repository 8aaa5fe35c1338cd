"""Experiments in the formats of others: tables, inspect's logs, agent trajectories. Read from the store alone, with no plugin.

from rbsuite.export import export

export(experiment.store, "csv", "tables")
"""

from rbsuite.export.exporting import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "export"]
