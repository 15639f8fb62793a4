"""The contract of every optimizer: ``update(params, grads)``, in place, all or nothing."""

import copy
import warnings
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from scratch import _check
from scratch.optim import _arrays, _settings, _whole
from scratch.optim._arrays import NonFiniteGradientError
from scratch.optim.row_gradient import RowGradient
from scratch.typing import Array, Rate, State

#: name → an array, which is changed in place, or a number, which is replaced by another.
Params = Mapping[str, Array | float | np.floating]
#: The same names → gradients; ``None`` skips the parameter, rows are for ``SparseAdam``.
Grads = Mapping[str, Array | float | np.floating | RowGradient | None]
#: pattern of names → the settings that its parameters have instead of the optimizer's.
Groups = Mapping[str, Mapping[str, Any]]
#: The loss and the gradients where the parameters stand.
Closure = Callable[[], tuple[float, Grads]]


class Optimizer:
    """An update rule, applied to every parameter.

    A subclass says what it remembers of a parameter (:meth:`init_state`) and how one step changes
    it (:meth:`rule`); the rest is here.

    Args:
        lr: the learning rate η, >= 0. It may be assigned anew between two updates. For a stack of
            K runs it may be an array (K,), a rate for each run; every parameter then has a leading
            axis of K.
        weight_decay: λ, >= 0.
        maximize: go uphill, g ← −g.
        decoupled_weight_decay: whether the decay is of the weights themselves, w ← w − η·λ·w, or
            coupled with the gradient, g ← g + λ·w.
        groups: settings for some of the parameters, by a pattern of their names, as a shell's with
            ``*``, ``?`` and ``[…]``: ``{"b*": {"weight_decay": 0.0}}``. A parameter has those of
            the first pattern that fits, and the optimizer's own otherwise; torch's
            ``param_groups``. A pattern that fits no name is warned of by the update.

    """

    #: Whether the rule treats every element alike and alone, so that large arrays can be given to
    #: it in blocks, and stacks of runs as one array.
    elementwise = True
    #: What ``state`` has that is no buffer but a number, or one for each run.
    numbers: tuple[str, ...] = ("step",)
    #: The settings that may later be what no optimizer can begin with: a schedule takes lr to 0.
    free_later: tuple[str, ...] = ("lr",)
    #: The buffers that may be missing in ``state``, because a setting asks for them only now.
    late: tuple[str, ...] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            checked = _settings.with_groups_checked(cls.__init__)
            cls.__init__ = checked  # type: ignore[method-assign] # each class has its own

    def __init__(
        self,
        lr: Rate,
        weight_decay: float = 0.0,
        maximize: bool = False,
        *,
        decoupled_weight_decay: bool = False,
        groups: Groups | None = None,
    ) -> None:
        self.lr = self._checked_lr(lr)
        self.weight_decay = _check.number("weight_decay", weight_decay, at_least=0)
        self.maximize = _check.flag("maximize", maximize)
        self.decoupled_weight_decay = _check.flag("decoupled_weight_decay", decoupled_weight_decay)
        self.groups = {} if groups is None else groups
        self.state = {}
        # The lr and the settings that were checked last, and those of the groups.
        self._approved: tuple[Any, ...] | None = None
        self._approved_settings: dict[str | None, tuple[Any, ...]] = {}

    def init_state(self, w: Array) -> State:
        """The buffers for a parameter ``w`` before its first step."""
        return {}

    def rule(self, w: Array, g: Array, state: State) -> None:
        """Change ``w`` and the buffers in ``state`` by one step along the gradient ``g``, in place.

        ``state["step"]`` counts from 1. Where the rule is ``elementwise``, parameters that lie in
        one vector (``scratch.flat``) may arrive as that, and large arrays in blocks, each with its
        part of the buffers.
        """
        raise NotImplementedError(f"{type(self).__name__} has no rule")

    def finish(self, state: State) -> None:
        """Change the plain numbers in ``state``, once a step, after the rule."""

    def update(
        self, params: Params, grads: Grads | None = None, closure: Closure | None = None
    ) -> float | None:
        """Take one step: change every array of ``params`` in place.

        Args:
            params: name → float32 or float64 array, or a plain float as in the chapter's first
                example, which is replaced.
            grads: the same names → gradients of the same shape and dtype; ``None`` skips the
                parameter for this step, as torch does where ``p.grad is None``.
            closure: in place of ``grads``, gives (loss, grads) where the parameters stand.

        Returns:
            The closure's loss, or ``None`` without a closure.

        Raises:
            KeyError: the names differ.
            TypeError, ValueError: a shape or dtype differs, or an array cannot be changed.
            NonFiniteGradientError: a gradient holds inf or NaN.

        Everything is checked before anything is changed.
        """
        loss, grads = _evaluated(grads, closure)
        groups = self._checked_settings()
        whole = self._whole(params, grads)
        arrays = {} if whole else self._checked(groups, params, grads)
        # As in torch, what overflows is inf; NumPy would warn.
        with np.errstate(all="ignore"):
            if whole:
                whole.step()
            for name, (group, w, g) in arrays.items():
                _Piece(group, w, g, [self._state[name]]).step()
                if w is not params[name]:
                    _arrays.replace_number(params, name, w)
        return loss

    def lr_for(self, w: Array) -> Rate:
        """The learning rate to multiply something like ``w`` by: (K,) becomes (K, 1, …)."""
        return _arrays.per_run(self.lr, w)

    def regularized(self, w: Array, g: Array) -> Array:
        """The gradient with ``maximize`` and the weight decay, in torch's order."""
        if self.maximize:
            g = -g
        if self.weight_decay:
            if self.decoupled_weight_decay:
                w *= 1 - self.lr * self.weight_decay
            else:
                g = g + self.weight_decay * w
        return g

    def check_gradient(self, name: str, w: Array, g: object) -> None:
        """Raise if ``g`` is no finite gradient for the parameter ``w``."""
        _arrays.check_gradient(name, w, g)

    @property
    def state(self) -> dict[str, State]:
        """For each parameter's name, its number of steps as ``"step"``, and its buffers.

        The buffers have the names that torch gives them. Where another dict is assigned, the next
        update checks that it fits the parameters.
        """
        return self._state

    @state.setter
    def state(self, state: dict[str, State]) -> None:
        self._state = state
        self._buffers: _whole.Buffers | None = None  # where they lie side by side
        self._kinds: dict[str, _arrays.Kind] = {}  # of the parameters that are known to fit

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """Pattern → the settings of the parameters whose names it fits first."""
        return self._groups

    @groups.setter
    def groups(self, groups: Groups) -> None:
        for pattern, settings in _check.mapping("groups", groups).items():
            if not isinstance(pattern, str):
                raise TypeError(
                    f"the patterns of groups must be texts, got {_check.shown(pattern)}"
                )
            for name in _check.mapping(f"groups[{pattern!r}]", settings):
                _check.choice(f"a setting in groups[{pattern!r}]", name, _settings.arguments(self))
        before = vars(self).get("_groups")
        self._groups = copy.deepcopy({key: dict(settings) for key, settings in groups.items()})
        if before is not None:  # while it is made, the constructor's end is what checks the values
            try:
                self._check_groups()
            except (TypeError, ValueError):
                self._groups = before
                raise

    @property
    def settings(self) -> dict[str, Any]:
        """The constructor's arguments, but for ``groups``, as they stand now."""
        return {name: getattr(self, name) for name in _settings.arguments(self)}

    def pattern_of(self, name: str) -> str | None:
        """The first pattern of ``groups`` that a parameter's name fits."""
        if self.groups and not isinstance(name, str):
            raise TypeError(f"name must be a text where there are groups, got {_check.shown(name)}")
        return next((pattern for pattern in self.groups if fnmatchcase(name, pattern)), None)

    def group_of(self, name: str) -> "Optimizer":
        """The settings for the parameter called ``name``, as an optimizer: this one or another."""
        pattern = self.pattern_of(name)
        return self if pattern is None else self._group(pattern)

    def state_dict(self) -> dict[str, Any]:
        """A snapshot of all that an optimizer of the same class needs to go on from here.

        Returns:
            ``optimizer``, the name of the class; ``settings`` and ``groups``, its arguments;
            ``state``, a copy of the attribute. ``torch_ref.checkpoint`` saves it as safetensors.
        """
        return {
            "optimizer": type(self).__name__,
            **copy.deepcopy(
                {name: getattr(self, name) for name in ("settings", "groups", "state")}
            ),
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a snapshot, with its settings and state.

        Raises:
            ValueError: it is not one, or another class's; nothing was changed.
        """
        restored = _settings.restored(self, state_dict)
        vars(self).update(vars(restored))

    def __repr__(self) -> str:
        settings = self.settings | ({"groups": self.groups} if self.groups else {})
        listed = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        return f"{type(self).__name__}({listed})"

    def _checked_lr(self, lr: Rate) -> Rate:
        if isinstance(lr, np.ndarray) and lr.ndim and not self.elementwise:
            raise ValueError(
                f"lr must be one number: {type(self).__name__} has no runs side by side, got an "
                f"array of shape {lr.shape}"
            )
        return _check.rate("lr", lr)

    def _check_groups(self) -> None:
        """Raise if the settings of a group are none that an optimizer can have."""
        for pattern in self.groups:
            self._group(pattern)

    def _warn_of_idle_groups(self, params: Params) -> None:
        fits = {
            pattern: any(fnmatchcase(name, pattern) for name in params) for pattern in self.groups
        }
        if not all(fits.values()):
            idle = ", ".join(repr(pattern) for pattern, used in fits.items() if not used)
            message = f"groups has {idle}, which fits none of the names {_check.names(params)}"
            warnings.warn(message, stacklevel=4)

    def _group(self, pattern: str) -> "Optimizer":
        """An optimizer with the settings of a group."""
        try:
            return _settings.with_settings(type(self), self.settings | self.groups[pattern])
        except (TypeError, ValueError) as error:
            raise type(error)(f"groups[{pattern!r}]: {error}") from None

    def _checked_settings(self) -> dict[str | None, "Optimizer"]:
        """The optimizer, and one for each pattern of ``groups``; raises if a setting is unfit."""
        lr, fixed = self.lr, _settings.fixed(self)
        if type(lr) is float and not self.groups and (lr, fixed) == self._approved:
            return {None: self}
        self.lr = self._checked_lr(lr)
        groups = {None: self} | {pattern: self._group(pattern) for pattern in self.groups}
        settings = {pattern: _settings.fixed(group) for pattern, group in groups.items()}
        if settings != self._approved_settings:
            checked = vars(_settings.with_settings(type(self), self.settings))
            # As the constructor takes them: a list becomes a tuple, np.float64(0.9) a float.
            vars(self).update(
                {n: checked[n] for n in self.settings.keys() - {"lr"} & checked.keys()}
            )
            settings[None] = fixed = _settings.fixed(self)
            self._approved_settings, self._kinds = settings, {}  # buffers may be missing now
        self._approved = (self.lr, fixed) if isinstance(self.lr, float) else None
        return groups

    def _whole(self, params: Params, grads: Grads) -> "_Piece | None":
        """All parameters as one, where nothing tells them apart and nothing is wrong with them."""
        found = _whole.flat(params, grads)
        alike = self.elementwise and not self.groups and not isinstance(self.lr, np.ndarray)
        if found is None or not alike or not self._kinds.keys() >= params.keys():
            return None
        flat, w, g = found
        states = [self._state[name] for name in flat]
        if not _whole.in_step(states, self.numbers):
            return None
        if not (self._buffers and self._buffers.hold(flat, states)):
            self._buffers = _whole.Buffers.lay_out(flat, states, self.numbers, self._kinds)
        if self._buffers is None:
            return None
        try:
            self.check_gradient("of all", w, g)
        except NonFiniteGradientError:  # the ordinary way says in which
            return None
        return _Piece(self, w, g, states, self._buffers.vectors())

    def _checked(
        self, groups: Mapping[str | None, "Optimizer"], params: Params, grads: Grads
    ) -> dict[str, tuple["Optimizer", Array, Any]]:
        """For each parameter to be changed its settings, itself and its gradient, as arrays.

        Raises if anything is unfit; gives the parameters that are new their state if nothing is.
        """
        _arrays.check_names(params, grads)
        arrays: dict[str, tuple[Optimizer, Array, Any]] = {}
        new: dict[str, State] = {}
        for name in params:
            if grads[name] is None:
                continue
            found, g = _arrays.as_arrays(params[name], grads[name])
            w = _arrays.parameter(name, found, g)
            if w is not params[name]:
                _arrays.replaceable(name, params)
            group = groups[self.pattern_of(name) if self.groups else None]
            group.check_gradient(name, w, g)
            _arrays.check_runs(name, w, group.lr)
            if self._kinds.get(name) != _arrays.kind(w):
                state = {"step": 0, **group.init_state(w)}
                if name in self.state:  # known by another shape or with other settings, or loaded
                    late = {key: state[key] for key in self.late if key in state}
                    new[name] = late | self.state[name]
                    _arrays.check_state(name, w, new[name], state, self.numbers)
                else:
                    new[name] = state
            arrays[name] = group, w, g
        if new:
            self._warn_of_idle_groups(params)
            self._buffers = None  # there are others now
            self._state |= new
            self._kinds |= {name: _arrays.kind(arrays[name][1]) for name in new}
        return arrays


class _Piece(NamedTuple):
    """What a rule is applied to: a parameter, or all as one."""

    optimizer: Optimizer
    w: Array
    g: Any  # an array, or what else the rule takes
    states: list[State]  # of each parameter
    vectors: dict[str, Array] | None = None  # the buffers, if it is all as one

    def step(self) -> None:
        for state in self.states:
            state["step"] += 1
        first = self.states[0]
        state = first | self.vectors if self.vectors else first
        for stepper, w, g, part in _arrays.blocks(self.optimizer, self.w, self.g, state):
            stepper.rule(w, g, part)
        for state in self.states:
            self.optimizer.finish(state)


def evaluated(closure: Closure) -> tuple[float, Grads]:
    """What a closure gives, or raise if that is not the loss and the gradients."""
    given = closure() if callable(closure) else closure
    if not (isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], Mapping)):
        raise TypeError(
            f"closure must be a function that returns (loss, grads), got {_check.shown(given)}"
        )
    return given


def _evaluated(grads: Grads | None, closure: Closure | None) -> tuple[float | None, Grads]:
    if closure is not None and grads is None:
        return evaluated(closure)
    if closure is None and grads is not None:
        return None, grads
    given = "neither" if grads is None else "both"
    raise TypeError(f"update takes either grads or a closure that gives them, got {given}")
