"""MIDI clock: followed, filtered, and sent."""
