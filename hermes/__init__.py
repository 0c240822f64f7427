"""The composition root: settings, wiring, commands and logs."""
