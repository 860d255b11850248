"""From keys as they were struck to phrases on the grid that give the playing back exactly."""
