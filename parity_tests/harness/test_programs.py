"""``lockstep check --exec``: programs in other languages, and what a bad one is told."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from parity_tests.command_line import ROOT, lockstep
from parity_tests.frameworks import needs
from parity_tests.helpers import normal, unwrapped
from scratch import optim
from torch_ref import lockstep as harness
from torch_ref.lockstep.candidates.candidate import CandidateError
from torch_ref.lockstep.candidates.program import program
from torch_ref.lockstep.check import check
from torch_ref.lockstep.compare.run import lockstep as run_lockstep
from torch_ref.lockstep.frameworks import wire
from torch_ref.lockstep.frameworks.optimizers import ways
from torch_ref.lockstep.frameworks.optimizers.adapter import Adapter
from torch_ref.lockstep.frameworks.process import Process, ProcessAdapter, ProcessError

EXAMPLES = Path(harness.__file__).parent / "examples"
#: Compilers and interpreters: how they are called, and what runs what they made.
COMPILED = {
    "adam.c": ("cc", "cc -O2 -o {out} {source} -lm", "{out}"),
    "adam.mjs": ("node", "", "node {source}"),
    "adam.rs": ("rustc", "rustc -O --edition 2021 -o {out} {source}", "{out}"),
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The command that runs an example, or a changed copy of one; skips without its compiler."""

    def build(name: str, *changes: tuple[str, str]) -> str:
        needs, compiler, run = COMPILED[name]
        if shutil.which(needs) is None:
            pytest.skip(f"{name} needs {needs}; there is none")
        folder = tmp_path_factory.mktemp("program")
        text = (EXAMPLES / name).read_text()
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / name).write_text(text)
        paths = {"source": folder / name, "out": folder / "adam"}
        if compiler:
            subprocess.run(shlex.split(compiler.format(**paths)), check=True)
        return run.format(**paths)

    return build


@pytest.mark.parametrize("name", COMPILED)
def test_what_an_example_answers_fits_the_schema(name: str, built: Callable[[str], str]) -> None:
    schema = json.loads((ROOT / "experiments" / "docs" / "protocol.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    start = {"do": "start", "dtype": "float64", "names": ["W"], "shapes": [[2]], "sizes": [2]}
    asked = [{"lockstep": 1, "do": "hello", "settings": {"lr": 0.1}}, start | {"bytes": 16}]
    asked += [{"do": "step", "given": [1], "bytes": 16}, start | {"dtype": "float16", "bytes": 16}]
    numbers = np.ones(2).tobytes()
    sent = b"".join(
        json.dumps(each).encode() + b"\n" + (numbers if "bytes" in each else b"") for each in asked
    )
    command = shlex.split(built(name))
    rest = subprocess.run(command, input=sent, capture_output=True, timeout=20).stdout
    kinds = ["hello", "parameters", "parameters", "error"]
    for kind in kinds:
        line, _, rest = rest.partition(b"\n")
        answer = json.loads(line)
        jsonschema.validate(answer, schema)
        jsonschema.validate(answer, schema | {"anyOf": [{"$ref": f"#/$defs/{kind}"}]})
        rest = rest[answer.get("bytes", 0) :]
    assert rest == b""


@pytest.mark.parametrize("name", COMPILED)
def test_an_example_is_torchs_adam_in_at_most_80_lines(
    name: str, built: Callable[[str], str]
) -> None:
    with closing(program(built(name))) as mine:
        result = check(mine, "Adam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-4}, steps=50)
    assert result.agrees, result
    assert result.mapped[0].mine == "lr"
    assert result.settings["betas"] == (0.8, 0.95)
    assert len((EXAMPLES / name).read_text().splitlines()) <= 80


@pytest.mark.parametrize("name", COMPILED)
def test_an_example_refuses_what_it_has_no_numbers_for_and_goes_on(
    name: str, built: Callable[[str], str]
) -> None:
    """After an error the program is started anew."""
    with closing(program(built(name))) as mine:
        side, w = mine.side({"lr": 0.5}), {"w": np.ones(3)}
        for _ in range(2):
            with pytest.raises(ProcessError, match="its start: it says: it takes float64"):
                side.start({"w": np.ones(3, "float16")})
            side.start(w)
            side.step(w)
            np.testing.assert_allclose(side.params()["w"], 0.5)


def test_epsilon_before_the_correction_is_named_in_a_program_in_c(
    built: Callable[..., str],
) -> None:
    before = "/ (sqrt(v_hat) + eps)", "/ ((sqrt(v[i]) + eps) / sqrt(1 - pow(beta2, t[p])))"
    with closing(program(built("adam.c", before))) as mine:
        result = check(mine, "Adam")
    assert [each.names for each in result.findings] == [("epsilon before the bias correction",)]


def test_a_program_that_keeps_its_own_setting_is_told_so(built: Callable[..., str]) -> None:
    ignored = built("adam.c", ('setting(line, "lr", &lr), ', ""))
    with pytest.raises(CandidateError, match=r'expected "lr": 0\.5 .*, got 0\.001'):
        program(ignored).side({"lr": 0.5})


#: An honest program up to its first step, in the standard library alone: Python starts sooner.
HONEST = """
import json, os, signal, sys, time
source, sink = sys.stdin.buffer, sys.stdout.buffer
def read():
    asked = json.loads(source.readline() or sys.exit())
    return asked, source.read(asked.get("bytes", 0))
def say(fields, data=b"", count=None):
    count = len(data) if count is None else count
    sink.write(json.dumps(fields | {"bytes": count}).encode() + b"\\n" + data)
    sink.flush()
def greet():
    read()
    say({"lockstep": 1})
def begin():
    greet()
    w = read()[1]
    say({}, w)
    return w
"""
#: name → (what it does, what it is told).
BAD = {
    "leaves at once": ("os._exit(0)", "its hello: it ended with exit status 0; expected a line"),
    "another version": ("read(); say({'lockstep': 2})", 'its hello: expected "lockstep": 1, got 2'),
    "no object": (
        "read(); print([1], flush=True)",
        "its hello: expected a line of JSON .*'\\[1\\]",
    ),
    "far too deep": (
        "read(); print('[' * 10**5, flush=True)",
        "its hello: .* got 100,000 bytes that begin with",
    ),
    "settings in a list": (
        "read(); say({'lockstep': 1, 'settings': []})",
        'its hello: expected an object as "settings", got',
    ),
    "refuses": ("read(); say({'error': 'lr is too large'})", "its hello: it says: lr is too large"),
    "other byte order": ("greet(); say({}, read()[1][::-1])", "its start: .* others in w"),
    "dies with a word": (
        "begin(); read(); sys.exit('no such thing as a gradient')",
        "step 1: it ended with exit status 1; .*nothing\n  its .* ends: no such thing as a grad",
    ),
    "is killed": (
        "begin(); read(); os.kill(os.getpid(), signal.SIGSEGV)",
        "step 1: it was ended by SIGSEGV; expected a line of JSON, got nothing",
    ),
    "hangs": ("begin(); read(); time.sleep(60)", "step 1: no answer within 0.5 s; .* got nothing"),
    "hangs in the numbers": (
        "w = begin(); read(); say({}, w[:-3], len(w)); time.sleep(60)",
        "step 1: no answer within 0.5 s; expected 24 bytes of numbers, got '.*'",
    ),
    "dies in the numbers": (
        "w = begin(); read(); say({}, b'1234', len(w)); os._exit(7)",
        "step 1: it ended with exit status 7; expected 24 bytes of numbers, got '1234'",
    ),
    "rubbish": (
        "begin(); read(); print('w = 0.1', flush=True)",
        "step 1: expected a line .* got 'w = 0.1'",
    ),
    "too few numbers": ("begin(); read(); say({}, bytes(16))", 'expected "bytes": 24.*: 16'),
    "too many numbers": ("begin(); read(); say({}, bytes(32))", "24, for float64 of w\\[3\\], got"),
    "more than there is": (
        "begin(); read(); say({}, b'', 2**62)",
        "step 1: .* number of at most 1,072,576",
    ),
    "less than nothing": (
        "begin(); read(); say({}, b'', -1)",
        'step 1: expected a whole number .* as "bytes"',
    ),
    "endless": (
        "begin()\nwhile True: sys.stdout.write('x' * 10**6)",
        "step 1: .*(1,048,576 bytes without a newline|after its last answer it wrote)",
    ),
    "endless errors": (
        "begin()\nwhile True: sys.stderr.write('y' * 10**6)",
        "step 1: no answer within 0.5 s; .*\n  its standard error ends: y{2000}$",
    ),
    "says too much": (
        "w = begin(); read(); say({}, w + b'more', len(w)); time.sleep(60)",
        "step 2: expected nothing before, but after its last answer it wrote 'more'",
    ),
    "closes its output": (
        "begin(); read(); os.close(1); time.sleep(60)",
        "step 1: it closed its standard output; expected a line of JSON, got nothing",
    ),
    "closes its input": (
        "begin(); os.close(0); time.sleep(60)",
        "step 1: no answer within 0.5 s; expected a line of JSON, got nothing",
    ),
    "leaves a child": (
        "begin(); read()\nif os.fork(): os._exit(0)\ntime.sleep(60)",
        "step 1: it ended with exit status 0; expected a line of JSON, got nothing",
    ),
    "stays": (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); begin(); time.sleep(60)",
        "step 1: no answer within 0.5 s",
    ),
}


#: In the environment of all programs of this test, to find what is left of them.
MARK = "LOCKSTEP_TEST_PROGRAM"


def two_steps(command: str) -> None:
    with closing(Process(command, {}, patience=0.5)) as process:
        side, w = ProcessAdapter(process), {"w": np.ones(3)}
        side.start(w)
        side.step(w)
        side.step(w)


def left_over(mark: str) -> list[str]:
    """The processes that were started with this text in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (
                mark.encode() in (folder / "environ").read_bytes()
                and int(folder.name) != os.getpid()
            ):
                found.append(folder.name)
    return found


@pytest.mark.parametrize("name", BAD)
def test_a_bad_program_is_told_what_was_expected_and_what_came(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, message = BAD[name]
    monkeypatch.setenv(MARK, mark := f"{MARK}={name}")
    command = shlex.join([sys.executable, "-IS", "-c", f"{HONEST}\n{code}\nread()"])
    began = time.monotonic()
    with pytest.raises(ProcessError, match=f"(?s).*: {message}"):
        two_steps(command)
    while left_over(mark):  # what is killed may need a moment
        assert time.monotonic() - began < 10


def test_a_program_that_repeats_what_it_is_told_is_no_optimizer() -> None:
    with pytest.raises(ProcessError, match="cat: its hello: expected an answer, got the question"):
        Process("cat", {})


@pytest.mark.parametrize("command", ["./none", "", "'", "."])
def test_what_cannot_be_started_is_said(command: str) -> None:
    with pytest.raises(CandidateError, match="cannot be started: "):
        program(command)


@given(st.binary() | st.from_regex(rb'\{"bytes": [^}]{0,20}\}', fullmatch=True))
def test_any_line_is_a_message_or_a_wire_error(line: bytes) -> None:
    with suppress(wire.WireError):
        assert 0 <= wire.parse(line).get("bytes", 0) <= wire.MOST_BYTES


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("float32"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
)


@given(_JSON)
def test_any_description_of_arrays_is_one_or_a_wire_error(listed: object) -> None:
    with suppress(wire.WireError):
        assert all(each.size >= 0 for each in wire.described("params", listed, "float64"))


#: A program that is one of scratch's optimizers, or one that spoils its gradients.
HOSTED = """
import sys
import numpy as np
from scratch.optim import *
from torch_ref.lockstep.frameworks.host import serve
from torch_ref.lockstep.frameworks.optimizers import ways
class Careless(Adam):
    def update(self, params, grads):
        super().update(params, grads)
        grads["w1"][...] = 0
make = lambda **settings: ways.make({name}, settings)
serve("hosted", make, sys.stdin.buffer, sys.stdout.buffer)
"""


def hosted(name: str, settings: dict) -> closing[Process]:
    command = shlex.join([sys.executable, "-c", HOSTED.format(name=name)])
    return closing(Process(command, settings, patience=20))


def test_the_protocol_carries_all_that_an_adapter_does() -> None:
    settings = {"lr": 0.1, "betas": (0.5, 0.75)}
    with hosted("Adam", settings) as process:
        theirs, mine = ProcessAdapter(process), ways.make(optim.Adam, settings)
        for _ in range(2):  # a start begins anew
            _walk(theirs, mine)
    with hosted("Careless", {}) as process:
        theirs = ProcessAdapter(process)
        theirs.start({"w0": np.ones(2), "w1": np.ones(2)})
        theirs.step(grads := {"w0": np.ones(2), "w1": np.ones(2)})
        assert {n: g.tolist() for n, g in theirs.kept(grads).items()} == {
            "w0": [1, 1],
            "w1": [0, 0],
        }


def _walk(theirs: ProcessAdapter, mine: Adapter) -> None:
    """All that can be asked of both; they are the same, bit for bit."""
    start = {"w0": normal(0, (2, 3)), "w1": normal(1, ())}
    for side in (theirs, mine):
        side.start(start)
        side.step({"w0": normal(2, (2, 3)), "w1": None})
        assert side.scale_lr(0.5)
        side.add("w2", np.arange(4.0))
        side.step({"w0": normal(3, (2, 3)), "w1": normal(4, ()), "w2": normal(5, (4,))})
    assert_same(theirs.params(), mine.params())
    for name, buffers in mine.state().items():
        assert len(buffers) == 2
        assert_same(theirs.state()[name], buffers)


def assert_same(mine: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert mine.keys() == theirs.keys()
    assert all(np.array_equal(mine[name], w) for name, w in theirs.items())


@needs("ml_dtypes")
def test_numbers_of_half_the_bits_go_through_it_too() -> None:
    with hosted("Adam", {"lr": 0.5}) as process:
        result = check(ProcessAdapter(process), "Adam", {"lr": 0.5}, dtype="bfloat16")
    assert result.agrees, result


def test_a_hosted_lbfgs_asks_back_for_loss_and_gradients() -> None:
    with hosted("LBFGS", {"lr": 0.5}) as process:
        report = run_lockstep(ProcessAdapter(process), torch.optim.LBFGS, steps=5, lr=0.5)
    assert report.agrees, report


def test_the_command_takes_either_a_file_or_a_program() -> None:
    for arguments in ([], ["adam.py:Adam", "--exec", "./adam"]):
        refused = lockstep("check", *arguments, "--against", "Adam")
        assert refused.exit_code == 2
        assert "FILE.py:NAME:giveeitherthisor--execCOMMAND" in unwrapped(refused.output)
    failed = lockstep("check", "--exec", "cat", "--against", "Adam", "--json")
    assert failed.exit_code == 2
    assert json.loads(failed.stdout)["error"].startswith("cat: its hello: expected an answer")


def test_ctrl_c_ends_the_program_too(tmp_path: Path) -> None:
    """A terminal's Ctrl-C does not reach what runs in a session of its own."""
    code = f"{HONEST}\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
    command = shlex.join([sys.executable, "-IS", "-c", code])
    script = "import sys; from experiments.__main__ import main; main()"
    check = [sys.executable, "-c", script, "check", "--exec", command, "--against", "Adam"]
    started = subprocess.Popen(check, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    _, errors = started.communicate(timeout=60)
    assert (started.returncode, errors.splitlines()[-1]) == (130, "Interrupted.")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
