"""Checking a learning rate schedule against one of torch's, step by step.

check      both sides run and compared: the learning rate, and the momentum where it moves
reference  torch's schedule, run with any settings
variants   the known ways to differ, and those that the candidate's rates show
"""

from torch_ref.lockstep.diagnose.schedules.check import check_schedule
from torch_ref.lockstep.diagnose.schedules.variants import VARIANTS

__all__ = ["VARIANTS", "check_schedule"]
