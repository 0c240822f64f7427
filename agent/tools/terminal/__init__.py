"""The terminal: every command is a new process with exactly the approved bytes."""
