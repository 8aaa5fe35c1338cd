"""Pages for a browser: one file each, no network, no foreign script. What leaderboards, reports and the viewer have in common."""
