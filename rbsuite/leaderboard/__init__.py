"""Leaderboards: submissions are recomputed from their logs, compared task by task, and shown with ranks as wide as their uncertainty."""
