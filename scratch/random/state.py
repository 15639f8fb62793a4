"""The bytes of ``torch.Generator.get_state()``: the words, the place among them, two spares."""

import math
from typing import NamedTuple

import numpy as np

from scratch import _check

_WORDS = 624
LAYOUT = np.dtype(
    [
        ("seed", np.uint64),
        ("left", np.int32),  # words left before the next 624 are made, and one
        ("seeded", np.int32),
        ("next", np.uint64),
        ("words", np.uint64, _WORDS),  # 32 bits each
        ("normal_x", np.float64),  # no longer used, like normal_rho
        ("normal_y", np.float64),
        ("normal_rho", np.float64),
        ("normal_is_valid", np.int64),
        ("float_normal", np.float32),
        ("float_normal_is_valid", np.int32),
    ]
)


class State(NamedTuple):
    """The state of a generator.

    Attributes:
        seed: the whole number it was seeded with, as torch keeps it: >= 0, of 64 bits.
        words: (624,) uint32.
        next: the place of the next word; 0 only for a generator that has not drawn since its
            seeding, whose words are still to be stirred. At 624, too, the next 624 are made first.
        spare: the second normal number of a pair, kept for the next call.
        float_spare: the same for a float32; torch keeps and saves it, and never sets it on a CPU.
    """

    seed: int
    words: np.ndarray
    next: int
    spare: float | None = None
    float_spare: float | None = None


def to_bytes(state: State) -> np.ndarray:
    """The state as uint8 (5056,), equal to torch's."""
    fields = np.zeros(1, LAYOUT)
    fields["seed"], fields["seeded"] = state.seed, 1
    fields["words"], fields["next"] = state.words, state.next
    fields["left"] = _left(state.next)
    if state.spare is not None:
        fields["normal_y"], fields["normal_is_valid"] = state.spare, 1
    if state.float_spare is not None:
        fields["float_normal"], fields["float_normal_is_valid"] = state.float_spare, 1
    return fields.view(np.uint8)


def from_bytes(state: np.ndarray) -> State:
    """Read what :func:`to_bytes` or ``torch.Generator.get_state().numpy()`` returned.

    Raises:
        TypeError: it is not an array of uint8.
        ValueError: it has another length, or is a state that no generator can be in.
    """
    if not isinstance(state, np.ndarray) or state.dtype != np.uint8:
        kind = state.dtype if isinstance(state, np.ndarray) else type(state).__name__
        raise TypeError(f"new_state must be an array of uint8, got {kind}")
    if state.shape != (LAYOUT.itemsize,):
        raise ValueError(f"new_state must have the shape ({LAYOUT.itemsize},), got {state.shape}")
    fields = np.frombuffer(state.tobytes(), LAYOUT)[0]
    left, following = int(fields["left"]), int(fields["next"])
    if fields["seeded"] != 1 or following > _WORDS or left != _left(following):
        raise ValueError(
            "new_state must be of a seeded generator, next in 0 … 624 and left = 625 − next (1 for "
            f"next = 0), got seeded={fields['seeded']}, next={following}, left={left}"
        )
    if fields["words"].max() >= 2**32:
        raise ValueError(f"new_state must hold words below 2³², got {fields['words'].max()}")
    return State(
        int(fields["seed"]),
        fields["words"].astype(np.uint32),
        following,
        _spare(fields, "normal_y", "normal_is_valid"),
        _spare(fields, "float_normal", "float_normal_is_valid"),
    )


def parts(value: object) -> tuple[np.ndarray, int, float | None]:
    """The three parts of ``Generator.state``; NumPy would believe any words and position."""
    if not (isinstance(value, tuple | list) and len(value) == 3):
        raise TypeError(
            f"state must be (words, position, spare), as it is read, got {_check.shown(value)}"
        )
    words, position, spare = value
    if not (_check.is_plain(words) and words.dtype == np.uint32):
        raise TypeError(f"state's words must be an array of uint32, got {_check.shown(words)}")
    _check.shape("state's words", words.shape, (_WORDS,))
    if not words.any():  # all that follows would be 0 as well
        raise ValueError("state's words must not all be 0")
    position = _check.integer("state's position", position, at_least=0, below=_WORDS + 1)
    return words, position, None if spare is None else _check.number("state's spare", spare)


def _left(following: int) -> int:
    return 1 if following == 0 else _WORDS + 1 - following


def _spare(fields: np.void, name: str, is_valid: str) -> float | None:
    if fields[is_valid] not in (0, 1) or not math.isfinite(fields[name]):
        raise ValueError(
            f"new_state must hold a finite {name} and 0 or 1 for {is_valid}, "
            f"got {fields[name]} and {fields[is_valid]}"
        )
    return float(fields[name]) if fields[is_valid] else None
