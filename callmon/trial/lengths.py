"""How long a history is, told in one way wherever thresholds are tried on it. Pure.

From ten days on it is told in days by the wall clock, and one that has begun counts: four
weeks from the first call on Monday to the last on Sunday are 28. Less is told as it is,
``3 d 04 h``: a day and a half are not two.
"""

from datetime import timedelta, tzinfo
from typing import Final

from callmon.clock import SECOND, Micros
from callmon.console.text import local
from callmon.wording import Language, format_duration

__all__ = ["days_between", "length_between"]

_FEW_DAYS: Final[Micros] = 10 * 86_400 * SECOND

_DAYS: Final = {Language.ENGLISH: "{count} days", Language.CHINESE: "{count} 天"}


def length_between(begin: Micros, end: Micros, zone: tzinfo, language: Language) -> str:
    """Return the length of a history from *begin* to *end*, both instants included."""
    if end - begin < _FEW_DAYS:
        return format_duration(max(end - begin, 0), language)
    return _DAYS[language].format(count=days_between(begin, end, zone))


def days_between(begin: Micros, end: Micros, zone: tzinfo) -> int:
    """Return how many days it is by the wall clock of *zone*, begun ones included."""
    if end <= begin:
        return 0
    wall = (local(at, zone).replace(tzinfo=None) for at in (begin, end))
    since, until = wall
    return -((since - until) // timedelta(days=1))
