"""How a player asks its network, and what it makes of the answers."""
