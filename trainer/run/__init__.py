"""What every run needs: checkpoints, devices, processes, progress."""
