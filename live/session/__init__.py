"""Sessions: what a performer has set, in a file that a person can read, and a jam can go on from."""
