"""The instrument on stage: three processes, one clock, the performer's hands."""
