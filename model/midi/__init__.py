"""Single MIDI files to phrases and back."""
