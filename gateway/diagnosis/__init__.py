"""Diagnoses from a chat: the report is found, its cause named with evidence, the fix pushed when a person says so."""
