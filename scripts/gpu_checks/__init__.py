"""The checks of ``check_gpu.py``, a file for each thing that is looked at."""
