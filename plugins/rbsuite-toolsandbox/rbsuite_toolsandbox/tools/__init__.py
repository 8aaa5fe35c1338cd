"""The 34 tools, by upstream's modules."""
