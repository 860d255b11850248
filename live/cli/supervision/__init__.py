"""The processes of a jam: started, watched, started again, silenced and ended."""
