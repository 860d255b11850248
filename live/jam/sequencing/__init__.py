"""What is played when: the plan of the coming bars, and the message that leaves next."""
