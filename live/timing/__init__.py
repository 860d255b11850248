"""Musical time and host time, and MIDI messages as bytes."""
