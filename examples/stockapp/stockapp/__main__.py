import sys

from stockapp.cli import main

sys.exit(main())
