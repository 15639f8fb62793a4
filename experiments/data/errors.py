"""What goes wrong with data files and downloads."""

from torch_ref.errors import LockstepError


class DataError(LockstepError):
    """A data set cannot be had. The message is for the user and stands without a traceback.

    It names the file or the data set, says what was found and what was expected, and what to do.
    """
