"""When a job runs: what `--every` and `--at` mean, and how each scheduler spells it.

Owns: the rules (a period divides its hour or its day, so that runs are evenly apart everywhere) and
the three spellings. Does not own: the files they stand in (`schedulers`).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from memos_cli.errors import UsageError

EVERY = {"m": (1, 2, 3, 5, 10, 15, 20, 30), "h": (1, 2, 3, 4, 6, 8, 12), "d": (1,), "w": (1,)}
"""Periods that divide the next larger unit: crontab knows no others."""
NIGHT = 3
"""Hour of what runs once a day or a week and names no time."""
_SUNDAY = 0


@dataclass(frozen=True)
class Schedule:
    """`every` as typed, or `at` as HH:MM. `spread` is the minute of what names none: jobs of many
    cubes and machines do not all start at the full hour."""

    every: str = ""
    at: str = ""
    spread: int = 0

    @property
    def words(self) -> str:
        """For people."""
        return f"every {self.every}" if self.every else f"daily at {self.at}"

    def crontab(self) -> str:
        """The five fields of a crontab line (crontab(5))."""
        minute, hour, day = self._fields()
        return f"{minute} {hour} * * {day}"

    def calendar(self) -> str:
        """The value of systemd's OnCalendar (systemd.time(7))."""
        number, unit = self._period()
        if unit == "m":
            return f"*-*-* *:{self.spread % number:02}/{number}:00"
        if unit == "h":
            return f"*-*-* 00/{number}:{self.spread:02}:00"
        hour, minute = self._moment()
        return f"{'Sun ' if unit == 'w' else ''}*-*-* {hour:02}:{minute:02}:00"

    def launchd(self) -> dict[str, object]:
        """The keys of a launchd property list (launchd.plist(5))."""
        number, unit = self._period()
        if unit in "mh":
            return {"StartInterval": number * (60 if unit == "m" else 3600)}
        hour, minute = self._moment()
        day = {"Weekday": _SUNDAY} if unit == "w" else {}
        return {"StartCalendarInterval": {"Hour": hour, "Minute": minute, **day}}

    def _fields(self) -> tuple[str, str, str]:
        number, unit = self._period()
        if unit == "m":
            first = self.spread % number
            return (f"{first}-59/{number}" if number > 1 else "*"), "*", "*"
        if unit == "h":
            return str(self.spread), f"*/{number}" if number > 1 else "*", "*"
        hour, minute = self._moment()
        return str(minute), str(hour), str(_SUNDAY) if unit == "w" else "*"

    def _period(self) -> tuple[int, str]:
        return (int(self.every[:-1]), self.every[-1]) if self.every else (1, "d")

    def _moment(self) -> tuple[int, int]:
        if not self.at:
            return NIGHT, self.spread
        hour, minute = self.at.split(":")
        return int(hour), int(minute)


def schedule(every: str | None, at: str | None, name: str) -> Schedule:
    """The schedule that was typed; daily at night where neither was.

    Raises:
        UsageError: both were given, or one that cannot be met exactly.
    """
    spread = zlib.crc32(name.encode()) % 60
    if every and at:
        raise UsageError(detail="Give --every or --at, not both.", hint="See `memos cron install --help`.")
    if every:
        found = re.fullmatch(r"(\d{1,4}) ?([mhdw])\w*", every.strip().lower())
        if found is None or int(found[1]) not in EVERY[found[2]]:
            known = ", ".join(f"{n}{unit}" for unit, numbers in EVERY.items() for n in numbers)
            raise UsageError(
                detail=f"{every!r} is no period that divides its hour or day.", hint=f"Known: {known}."
            )
        return Schedule(every=found[1] + found[2], spread=spread)
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", (at or f"{NIGHT:02}:30").strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise UsageError(detail=f"{at!r} is no time of day.", hint="Write it as 03:30.")
    return Schedule(at=f"{int(found[1]):02}:{found[2]}", spread=spread)
