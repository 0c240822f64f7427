"""Walkaway: long jobs that ping, listen and end."""
