"""The band: what sounds under the bar that is being played, in the chords of the moment."""
