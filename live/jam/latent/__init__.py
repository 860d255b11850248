"""Where the latent lies: paths, anchors, morph, and the gestures that move it."""
