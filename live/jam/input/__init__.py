"""What the performer plays: thru, capture, pedals and wheels, and playing that leads the clock."""
