"""All SQL of Hermes: one writer with group commit, readers, and one query module per table."""
