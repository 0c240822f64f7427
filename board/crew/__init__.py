"""The crew: who its agents are, what they have earned, and how work passes from one to the next."""
