"""What this plugin declares. Importing it loads nothing heavy."""
