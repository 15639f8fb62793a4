"""``python -m experiments`` is ``lockstep``."""

from experiments.cli import main

main()
