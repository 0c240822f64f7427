"""What executes attempts: one module per lane."""
