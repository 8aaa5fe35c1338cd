"""Leaderboards: what people submit is recomputed from its logs, compared task by task, and shown with ranks that are as wide as is known."""
