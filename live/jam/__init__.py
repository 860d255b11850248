"""The jam: what the performer plays becomes what is played next, in musical time."""
