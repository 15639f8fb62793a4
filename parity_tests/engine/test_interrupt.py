"""Signals: heeded at once, or when torch is imported."""

import signal

import pytest

from experiments.engine import interrupt
from experiments.engine.interrupt import Interrupted, deferred, heeding_signals


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_raises_at_once(signum: int, code: int) -> None:
    with heeding_signals(), pytest.raises(Interrupted) as caught:
        signal.raise_signal(signum)
    assert caught.value.exit_code == code


def importing(*signals: int, noted: list[int]) -> None:
    with heeding_signals(), deferred():
        for signum in signals:
            signal.raise_signal(signum)
            noted.append(signum)


def test_while_torch_is_imported_it_is_noted_and_raised_in_the_end() -> None:
    noted = []
    with pytest.raises(Interrupted):
        importing(signal.SIGTERM, noted=noted)
    assert noted == [signal.SIGTERM]


def test_a_second_signal_does_not_wait() -> None:
    noted = []
    with pytest.raises(Interrupted):
        importing(signal.SIGINT, signal.SIGINT, noted=noted)
    assert noted == [signal.SIGINT]


def test_afterwards_signals_do_what_they_did() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with heeding_signals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
    interrupt.check()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_ctrl_c_that_python_dropped_is_raised_at_the_next_check() -> None:
    class Dropped:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    with heeding_signals():
        Dropped()
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()
