"""The language of the lesson's texts: English, or Korean by the page's catalogue."""

from experiments.engine.texts import Text
from torch_ref.errors import LockstepError

LANGUAGES = ("en", "ko")
_spoken = "en"


def speak(language: str) -> None:
    """Choose the language of all that is said from here on, of ``LANGUAGES``.

    >>> speak("fr")
    Traceback (most recent call last):
        ...
    torch_ref.errors.LockstepError: language must be one of en, ko, got 'fr'
    """
    global _spoken
    if language not in LANGUAGES:
        raise LockstepError(f"language must be one of {', '.join(LANGUAGES)}, got {language!r}")
    _spoken = language


def told(text: str) -> str:
    """A text in the language that was chosen; in English where there is no Babel.

    >>> told("Adam")
    'Adam'
    """
    if _spoken == "en" or not isinstance(text, Text):
        return str(text)
    try:
        from experiments.report.translations import korean
    except ModuleNotFoundError:
        return str(text)
    return korean(text)
