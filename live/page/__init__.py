"""The page for phone, tablet and second screen, in a process of its own that speaks to the engine."""
