"""What crosses between the processes, and how."""
