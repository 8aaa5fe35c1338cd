"""Whether a patch resolves an instance: logs and reports of test runs, and SWE-bench's rules over them."""
