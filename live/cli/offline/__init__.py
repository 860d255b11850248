"""The commands that work on files: `sample`, `morph`, `edit`, `accompany` and `render`."""
