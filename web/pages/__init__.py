"""The local page: HTML made here, small scripts beside it, nothing from anywhere else."""
