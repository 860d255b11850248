"""The model process: it answers the engine."""
