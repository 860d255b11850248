"""What is plugged into the engine: ports and their coming and going, loops, losses, lamps, lessons."""
