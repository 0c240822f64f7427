"""What may happen without a person, what a person is asked, and what never happens."""
