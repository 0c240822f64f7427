"""The gateway: from a platform's message to a session and back."""
