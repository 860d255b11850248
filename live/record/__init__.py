"""What is kept of a set: the take and the event log."""
