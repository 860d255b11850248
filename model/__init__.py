"""What twobar knows about music: phrases, attributes, latents, codecs, networks and checkpoints."""
