"""Mind2Web for rbsuite: the next action on pages that were recorded while somebody carried out a task."""
