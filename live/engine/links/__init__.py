"""Whom the engine talks to: the model process, its supervisor, browsers, OSC."""
