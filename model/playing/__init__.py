"""What plays a checkpoint: Phrase -> Latent -> Phrase, under knobs."""
