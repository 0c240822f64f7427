"""The words of Hermes: states, transition tables, types, events, errors and ports. Standard library only."""
