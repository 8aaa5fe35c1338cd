"""For every rule of the contract kit a plugin that breaks that rule and no other."""
