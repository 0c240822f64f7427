"""The doctor: looks for what is wrong and names the way out."""
