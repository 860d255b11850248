"""From folders of MIDI files to prepared phrases, split by song."""
