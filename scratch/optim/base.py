"""The contract of every optimizer: ``update(params, grads)``, in place, all or nothing.

What is checked when:

* a setting, whenever it is assigned, in the constructor or later; in ``groups``, every value;
* what settings must have in common, in the constructor alone: a schedule may lower to 0 what an
  optimizer cannot begin with;
* a snapshot, in ``load_state_dict``, before anything is replaced;
* parameters, gradients and their state, in ``update``, which plans the steps of all parameters
  before it takes the first; and with them what may have changed unseen: the dicts in ``groups``, an
  array of learning rates, and what a schedule has set.
"""

import copy
from collections.abc import Mapping
from contextlib import AbstractContextManager
from fnmatch import fnmatchcase
from typing import Any, ClassVar

import numpy as np

from scratch import _check
from scratch._check import Check
from scratch._settings import KW_ONLY, Configurable, LearningRate
from scratch._signals import SignalsWait
from scratch.optim import blocks, fitting
from scratch.optim.complex_numbers import as_complex, as_real
from scratch.optim.fitting import Closure, Grads, Params
from scratch.typing import Array, Rate, State

#: pattern of names → the settings that its parameters have instead of the optimizer's.
Groups = dict[str, dict[str, Any]]


class Optimizer(Configurable):
    """An update rule, applied to every parameter.

    A subclass lists its settings as annotated attributes, and says what it remembers of a parameter
    (:meth:`init_state`) and how one step changes it (:meth:`rule`); the rest is here.

    Args:
        lr: the learning rate η, >= 0. It may change between two updates. For a stack of K runs it
            may be an array (K,), a rate for each run; every parameter then has a leading axis of K.
        groups: settings for some of the parameters, by a pattern of their names with ``*``, ``?``
            and ``[…]``, as in a shell: ``{"b*": {"weight_decay": 0.0}}``. The first pattern that
            fits a name counts; torch's ``param_groups``. The update warns of a pattern that fits
            none.

    Attributes:
        state: for each parameter's name, its number of steps as ``"step"``, and its buffers under
            torch's names for them. The next update checks that an assigned dict fits the
            parameters.
        initial_lr: pattern, or ``None`` for the optimizer itself → the learning rate before its
            first schedule, where all of its schedules start.
    """

    lr: LearningRate
    _: KW_ONLY
    groups: Groups = {}  # noqa: RUF012 # copied where it is assigned

    beside = ("groups",)

    #: Whether the rule treats every element alike and alone, so that large arrays can be given to
    #: it in blocks, and stacks of runs as one array.
    elementwise: ClassVar[bool] = True
    #: The most arrays, each of a parameter's or a block's size, that a rule makes for a moment.
    temporaries: ClassVar[int] = 5
    #: The entries of ``state`` that are not buffers but numbers, or one number for each run.
    numbers: ClassVar[tuple[str, ...]] = ("step",)
    #: The buffers that a setting may ask for after the first step.
    late: ClassVar[tuple[str, ...]] = ()

    #: Whether an update refuses gradients with inf or NaN, by ``NonFiniteGradientError``. Where it
    #: is False, of the class or of one optimizer, they go through, and NumPy warns as it does
    #: anywhere. ``scratch.train.fit`` refuses them with every optimizer.
    finite_only = True
    remembered: ClassVar[Mapping[str, Check]] = {"finite_only": _check.flag}

    # What ``regularized`` needs, for rules that have no such settings.
    weight_decay = 0.0
    maximize = False
    decoupled_weight_decay = False

    def __post_init__(self) -> None:
        self.state: dict[str, State] = {}
        self.initial_lr: dict[str | None, Rate] = {}
        self._unchecked: set[str] = set()
        self._fitting: dict[str, tuple[State, Any]] = {}  # what was found to fit a parameter
        self._room = 0  # the bytes of a rule's temporaries

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, self._checked_groups(value) if name == "groups" else value)

    def set_later(self, name: str, value: Any) -> None:
        """Assign a value that the next update checks: a schedule may end beyond the range."""
        vars(self)[name] = value
        self._unchecked.add(name)

    def init_state(self, w: Array) -> State:
        """The buffers for a parameter ``w`` before its first step."""
        return {}

    def rule(self, w: Array, g: Array, state: State) -> None:
        """Change ``w`` and the buffers in ``state`` by one step along the gradient ``g``, in place.

        ``state["step"]`` counts from 1. Where the rule is ``elementwise``, large arrays arrive in
        blocks, each with its part of the buffers, and with an array of rates ``self.lr`` has axes
        to multiply ``w`` by.
        """
        raise NotImplementedError(f"{type(self).__name__} has no rule")

    def finish(self, state: State) -> None:
        """Change the plain numbers in ``state``, once a step, after the rule."""

    def regularized(self, w: Array, g: Array) -> Array:
        """The gradient with ``maximize`` and the weight decay, in torch's order.

        The decay λ is of the weights themselves where it is decoupled, w ← w − η·λ·w, and coupled
        with the gradient otherwise, g ← g + λ·w.
        """
        if self.maximize:
            g = -g
        if self.weight_decay:
            if self.decoupled_weight_decay:
                w *= 1 - self.lr * self.weight_decay
            else:
                g = g + self.weight_decay * w
        return g

    def check_gradient(self, name: str, w: Array, g: object) -> None:
        """Raise unless ``g`` is a gradient of the parameter ``w``, a finite one if it must be."""
        self.check_finite(name, fitting.gradient_like(name, w, g))

    def check_finite(self, name: str, g: Array, of: str = "") -> None:
        """Raise if an element of ``g`` is inf or NaN, unless they may go through."""
        if self.finite_only:
            fitting.check_finite(name, g, of)

    def quiet(self) -> AbstractContextManager[Any]:
        """What overflows is inf, as in torch, without a warning; NaN has one if it may come in."""
        invalid = "ignore" if self.finite_only else np.geterr()["invalid"]
        return np.errstate(all="ignore", invalid=invalid)

    def update(
        self, params: Params, grads: Grads | None = None, closure: Closure | None = None
    ) -> float | None:
        """Take one step: change every array of ``params`` in place, all or nothing.

        Ctrl-C waits for the end of the step.

        Args:
            params: name → array of float64, float32, float16 or ``ml_dtypes.bfloat16``, whose
                buffers are of its dtype; or a plain float as in the chapter's first example, which
                is replaced. Where the rule takes every element alone, complex numbers are, as in
                torch, two real ones each.
            grads: the same names → gradients of the same shape and dtype; ``None`` skips the
                parameter for this step, as torch does where ``p.grad is None``.
            closure: in place of ``grads``, gives (loss, grads) where the parameters stand.

        Returns:
            The closure's loss, or ``None`` without a closure.

        Raises:
            KeyError: the names differ.
            TypeError, ValueError: a shape or dtype differs, or an array cannot be changed.
            NonFiniteGradientError: a gradient holds inf or NaN; see ``finite_only``.
            MemoryError: there is no room for what a rule computes on the way.
        """
        loss, grads = fitting.loss_and_grads(grads, closure)
        steps = self._planned(params, grads)
        with SignalsWait(), self.quiet():
            for group, name, w, g, state in steps:
                state["step"] += 1
                group._apply(w, g, state)
                group.finish(state)
                if w is not params[name]:
                    fitting.replace_number(params, name, w)
        return loss

    def pattern_of(self, name: str) -> str | None:
        """The first pattern of ``groups`` that a parameter's name fits."""
        if self.groups and not isinstance(name, str):
            raise TypeError(f"name must be a text where there are groups, got {_check.shown(name)}")
        return next((pattern for pattern in self.groups if fnmatchcase(name, pattern)), None)

    def group_of(self, name: str) -> "Optimizer":
        """The settings for the parameter called ``name``, as an optimizer: this one or a copy."""
        pattern = self.pattern_of(name)
        return self if pattern is None else self._group(pattern, self.groups[pattern])

    def state_dict(self) -> dict[str, Any]:
        """Return a snapshot from which an optimizer of the same class can resume.

        Returns:
            ``optimizer``, the name of the class; ``settings`` and ``groups``, its arguments;
            ``state``, a copy of the attribute. ``torch_ref.checkpoint`` saves it as safetensors.
        """
        own = {"settings": self.settings, "groups": self.groups, "state": self.state}
        return {"optimizer": type(self).__name__, **copy.deepcopy(own)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Resume from a snapshot, with its settings and state.

        Raises:
            TypeError, ValueError: it is none, or of another class; nothing was changed.
        """
        kind, parts = type(self).__name__, ("optimizer", "settings", "groups", "state")
        given = _check.keys("state_dict", state_dict, parts)
        if given["optimizer"] != kind:
            raise ValueError(
                f"state_dict must be of {kind}, got one of {_check.shown(given['optimizer'])}"
            )
        settings = _check.keys("state_dict['settings']", given["settings"], self._names)
        state = fitting.states("state_dict['state']", given["state"])
        restored = copy.copy(self)
        for name, value in {**settings, "groups": given["groups"]}.items():
            setattr(restored, name, copy.deepcopy(value))
        restored.state = copy.deepcopy(state)
        vars(self).update(vars(restored))

    def __repr__(self) -> str:
        settings = self.settings | ({"groups": self.groups} if self.groups else {})
        listed = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        return f"{type(self).__name__}({listed})"

    def _group(self, pattern: str, own: Mapping[str, Any]) -> "Optimizer":
        """A copy of this optimizer with the settings of a group, each of which is checked."""
        group = copy.copy(self)
        for name, value in _check.mapping(f"groups[{pattern!r}]", own).items():
            _check.choice(f"a setting in groups[{pattern!r}]", name, self._names)
            try:
                setattr(group, name, value)
            except (TypeError, ValueError) as error:
                raise type(error)(f"groups[{pattern!r}]: {error}") from None
        return group

    def _checked_groups(self, groups: Any) -> Groups:
        for pattern, own in _check.mapping("groups", groups).items():
            self._group(_check.instance("a pattern in groups", pattern, str), own)
        return {pattern: copy.deepcopy(dict(own)) for pattern, own in groups.items()}

    def _planned(
        self, params: Params, grads: Grads
    ) -> list[tuple["Optimizer", str, Array, Any, State]]:
        """(group, name, w, g, state) of each parameter with a gradient; raises if one is unfit."""
        fitting.check_names(params, grads)
        if len(set(map(id, params.values()))) < len(params):
            fitting.check_apart(params)
        for name in self._unchecked | ({"lr"} if isinstance(self.lr, np.ndarray) else set()):
            setattr(self, name, getattr(self, name))
        self._unchecked.clear()
        groups = {None: self} | {p: self._group(p, own) for p, own in self.groups.items()}
        names = self._checks.keys() - {"lr"}
        fixed = {p: [getattr(group, name) for name in names] for p, group in groups.items()}
        steps, new = [], {}
        for name in params:
            if grads[name] is None:
                continue
            pattern = self.pattern_of(name) if self.groups else None
            group, (w, g) = groups[pattern], fitting.as_arrays(params, name, grads[name])
            if not self.elementwise:
                fitting.check_real(name, w, type(self).__name__)
            group.check_gradient(name, w, g)
            fitting.check_rate(name, w, group.lr)
            state, fits = self.state.get(name), (fitting.kind(w), fixed[pattern])
            known, fitted = self._fitting.get(name, (None, None))
            if state is None or known is not state or fitted != fits:
                fresh = {"step": 0, **as_complex(group.init_state(as_real(w)), w)}
                state = fitting.state_for(name, w, state, fresh, group.late, group.numbers)
                new[name] = state, fits
            steps.append((group, name, w, g, state))
        room = self._room
        if new:
            fitting.check_apart(params)
            fitting.warn_of_idle(self.groups, params)
            largest = max(blocks.largest(w, self.elementwise) for _, _, w, _, _ in steps)
            room = self.temporaries * largest
        np.empty(room, np.uint8)  # there is enough; it is given back at once, for the rules to use
        if new:
            self._room = room
            self.state |= {name: state for name, (state, _) in new.items()}
            self._fitting |= new
        return steps

    def _apply(self, w: Array, g: Any, state: State) -> None:
        """Apply the rule, block by block, where an array of rates gets axes to multiply ``w``."""
        if w.dtype.kind == "c":
            w, g, state = as_real(w), as_real(g), {key: as_real(b) for key, b in state.items()}
        if isinstance(self.lr, np.ndarray):
            stepper = copy.copy(self)
            for block in blocks.split(w, g, state, rows=len(self.lr)):
                vars(stepper)["lr"] = blocks.per_run(self.lr, block[0])
                stepper.rule(*block)
        elif self.elementwise and w.size > blocks.BLOCK:
            for block in blocks.split(w, g, state):
                self.rule(*block)
        else:
            self.rule(w, g, state)
