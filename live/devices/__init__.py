"""What is plugged in: MIDI ports, JACK, FluidSynth, and their coming and going."""
