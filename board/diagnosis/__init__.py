"""Diagnoses: what an agent says is wrong, each piece of evidence compared with the code it names, and the fix."""
