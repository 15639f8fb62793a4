"""The base class of the errors that are for the user to read."""


class LockstepError(Exception):
    """What was asked for cannot be done; the message says why, and needs no traceback.

    Attributes:
        resumable: whether the same command goes on from what was done up to the error.
    """

    resumable = False
