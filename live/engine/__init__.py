"""The engine process: the clock's own interpreter, the only writer of the jam's state."""
