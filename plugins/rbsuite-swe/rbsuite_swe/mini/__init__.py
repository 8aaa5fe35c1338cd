"""swe-mini: small repositories of this project, each with an issue, and rules of the house that recur."""
