"""Windows over the screen: keys, notices, learning, the palette, the engineer's figures."""
