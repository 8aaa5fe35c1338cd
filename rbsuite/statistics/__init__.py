"""Statistics of experiments: what was measured, how sure it is, and how conditions differ."""
