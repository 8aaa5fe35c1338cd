"""What the plugins of tool-agent-user benchmarks share: databases shared by many worlds, a bounded calculator, and dialogue."""
