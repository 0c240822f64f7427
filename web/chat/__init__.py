"""The chat of the local page and the terminal over HTTP: saying, history, stream, files."""
