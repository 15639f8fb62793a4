"""Running the command: in this process, and Python in another."""

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from experiments import cli

ROOT = Path(__file__).parents[1]


def lockstep(*arguments: object) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli.app, [*map(str, arguments)])


def done_anew(*arguments: object) -> bool:
    """Run the command, which succeeds; whether its result was not there already."""
    result = lockstep(*arguments)
    assert result.exit_code == 0, result.output
    return "is done already" not in result.output


def run_python(code: str, *arguments: str, **env: str) -> subprocess.CompletedProcess:
    """Run ``code`` in another process, in the project's folder."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | env)


def run_without(modules: set[str], *arguments: str, **env: str) -> subprocess.CompletedProcess:
    """Run the command to its end in another process, which imports none of the ``modules``."""
    code = (
        "import sys\nfrom experiments import cli\nsys.argv[0] = 'lockstep'\n"
        "try:\n    cli.main()\nexcept SystemExit as end:\n    code = end.code\n"
        f"assert not {modules!r} & sys.modules.keys(), 'it was imported'\nsys.exit(code)\n"
    )
    done = run_python(code, *map(str, arguments), **env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done
