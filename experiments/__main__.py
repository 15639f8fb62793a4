"""The command ``lockstep``, also as ``python -m experiments``."""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """The console script; a Ctrl-C that comes before all is imported ends it, too."""
    try:
        from experiments.engine.terminal import forget_a_width_of_nothing

        forget_a_width_of_nothing()  # before there is any console
        from experiments import cli

        cli.main()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, _leave)  # in Python's own end it would print a traceback


def _leave(signum: int, frame: FrameType | None) -> None:
    os._exit(128 + signum)


if __name__ == "__main__":
    main()
