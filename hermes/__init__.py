"""The composition root: settings, wiring, commands and logs."""

VERSION = "0.1.0"
