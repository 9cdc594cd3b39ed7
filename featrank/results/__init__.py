"""The result: its document, reading it back, ranking and joining rows."""
