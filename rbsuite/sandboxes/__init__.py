"""Sandboxes: places in which untrusted commands run, cut off from the machine, with several backends behind one protocol."""
