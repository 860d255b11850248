"""JACK: its ports asked for, outputs by frames, and its transport."""
