"""live.toml and the knobs: what can be set, and to what."""
