"""The offline trainer: from folders of MIDI files to a checkpoint the instrument plays."""
