"""Jobs that run by the clock: once, on time, and never silently."""
