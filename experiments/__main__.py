"""The command ``lockstep``, also as ``python -m experiments``."""

import sys


def main() -> None:
    """The console script; a Ctrl-C that comes before all is imported ends it, too."""
    try:
        from experiments import cli

        cli.main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
