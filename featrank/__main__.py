"""``python -m featrank``."""

from featrank.cli import main

if __name__ == "__main__":
    main()
