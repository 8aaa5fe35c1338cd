"""Software engineering: SWE-bench, and a small set of repositories that runs in any sandbox."""
