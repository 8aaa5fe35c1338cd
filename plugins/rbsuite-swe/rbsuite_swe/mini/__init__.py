"""swe-mini: small repositories by this project, each with an issue, and recurring house rules."""
