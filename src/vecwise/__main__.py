"""`python -m vecwise`: the command line.

This module must not know anything but `cli`.
"""

from vecwise.cli import main

if __name__ == "__main__":
    main()
