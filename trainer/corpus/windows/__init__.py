"""From the tracks of a file to phrases: where bars begin, and which windows become what."""
