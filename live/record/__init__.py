"""What is recorded of a set: the take and the event log."""
