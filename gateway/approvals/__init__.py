"""Approvals as people meet them: cards, taps and commands; the gate itself is in ``approvals/``."""
