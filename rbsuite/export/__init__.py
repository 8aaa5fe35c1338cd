"""Experiments in other formats: tables, Inspect's logs, agent trajectories. Read from the store alone, without any plugin.

```python
from rbsuite.export import export

export(experiment.store, "csv", "tables")
```
"""

from rbsuite.export.exporting import FORMATS, Exported, export

__all__ = ["FORMATS", "Exported", "export"]
