"""What the plugins of tool-agent-user benchmarks share: databases that many worlds share, a bounded calculator, and dialogue."""
