"""ALSA's sequencer: what is connected there, and outputs on one of its queues."""
