"""`python -m tutor` is `backprop-tutor`."""

import sys

from tutor.cli.commands import main

if __name__ == "__main__":
    sys.exit(main())
