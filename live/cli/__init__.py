"""What the shell offers: `twobar jam` and its supervisor, `doctor`, and the commands that work on files."""
