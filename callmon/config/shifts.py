"""From the ``shifts`` section of thresholds.yml to who is on duty when."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from callmon.calendars import Calendar
from callmon.config.calendars import calendar_called

if TYPE_CHECKING:
    from callmon.config.nodes import Loc
    from callmon.config.reading import Builder
    from callmon.config.threshold_sections import ThresholdsFile

__all__ = ["Shifts", "build_shifts"]

Shifts = tuple[tuple[str, Calendar], ...]
"""Names and hours, in file order: the first that is open is on duty."""


def build_shifts(
    builder: "Builder", file: "ThresholdsFile", calendars: Mapping[str, Calendar]
) -> Shifts:
    """Return the shifts that are right, and report the others.

    Args:
        builder: the document and its checks.
        file: the sections of thresholds.yml.
        calendars: those of the file that are right.
    """
    built = []
    taken: dict[str, str] = {}
    for name, calendar in file.shifts.items():
        loc: Loc = ("shifts", name)
        if not builder.good_name(loc, name):
            continue
        first = taken.setdefault(calendar, name)
        if first != name:
            message = (
                f"shift '{first}' has these hours already: this one would never be on duty"
            )
            builder.document.report(loc, f"{message}, found '{calendar}'")
            continue
        hours = calendar_called(builder, file, calendars, (loc, calendar))
        if hours is not None:
            built.append((name, hours))
    return tuple(built)
