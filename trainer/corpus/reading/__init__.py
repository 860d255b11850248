"""From folders and archives to the tracks of each file."""
