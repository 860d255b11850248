"""Music as data: grids, phrases, tracks, chords, and what is measured of them.  Neither numpy nor torch."""
