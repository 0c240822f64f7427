"""The crew in the chats: its commands, and the cards that ask people for a review."""
