"""Leaderboards: what people submit is recomputed from its logs, compared task by task, and shown with ranks as wide as is known."""
