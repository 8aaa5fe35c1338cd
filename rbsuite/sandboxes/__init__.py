"""Sandboxes: places in which foreign commands run, cut off from the machine, with backends behind one protocol."""
