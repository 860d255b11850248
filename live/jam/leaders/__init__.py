"""Whoever else keeps the beat: MIDI clock, Ableton Link, JACK's transport; each leads a jam in its time."""
