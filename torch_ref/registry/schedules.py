"""The schedules of ``scratch.lr_scheduler`` beside torch's."""

from torch_ref.registry.pairs import SchedulePair

_SCHEDULES: tuple[SchedulePair, ...] = ()

SCHEDULES: dict[str, SchedulePair] = {pair.name: pair for pair in _SCHEDULES}
