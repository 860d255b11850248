"""OSC: messages to commands and back, and the server."""
