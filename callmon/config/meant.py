"""What somebody probably meant who wrote as people do: ``3 minutes``, ``20 percent``, ``9-18``.

Each returns the value as the files write it, or None when it has no idea. Nothing is taken
for granted: it only becomes the question at the end of a message.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping

__all__ = [
    "choice_meant",
    "count_meant",
    "country_meant",
    "dates_meant",
    "days_meant",
    "duration_meant",
    "hours_meant",
    "measure_meant",
    "narrow",
    "share_meant",
]

_TYPED_WIDE: Mapping[int, int] = str.maketrans(
    "\u3010\u3011\u201c\u201d\u2018\u2019\u3001\u3000\u2013\u2014\u2212\u300c\u300d",
    "[]\"\"'', ---[]",
)
"""Brackets, quotes, commas, blanks and dashes of a Chinese keyboard that NFKC leaves alone."""

_UNITS: Mapping[str, str] = {
    **dict.fromkeys(("ms", "msec", "millisecond", "milliseconds", "毫秒"), "ms"),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒", "秒钟"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分", "分钟"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "时", "小时"), "h"),
    **dict.fromkeys(("d", "day", "days", "天", "日"), "d"),
}
_ORDER = ("d", "h", "m", "s", "ms")
_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-z]+|[\u4e00-\u9fff]+)\s*(?:and|,)?\s*")
_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,2}):([0-5]\d)")
_PERCENT = re.compile(r"%?\s*(\d+(?:[.,]\d+)?)\s*(?:%|percent|per cent|pct\.?|趴)?")
_OF_HUNDRED = re.compile(r"百分之\s*(\d+(?:\.\d+)?)")
_MOMENT = r"(\d{1,2})(?:[:.]?([0-5]\d))?\s*(am|pm|a\.m\.|p\.m\.)?"
_FROM_TO = re.compile(rf"{_MOMENT}\s*(?:-|~|to|until|bis|至|到)\s*{_MOMENT}")
_CHINESE_HOUR = re.compile(
    r"(?P<part>上午|早上|下午|晚上)?\s*(?P<hour>\d{1,2})"
    r"(?:[点时](?P<minute>半|[0-5]\d(?=分))?[整分]?|:(?P<past>[0-5]\d))"
)
_QUOTES = "\"' "

_DAYS: Mapping[str, str] = {
    **dict.fromkeys(("monday", "mo", "周一", "星期一", "礼拜一"), "mon"),
    **dict.fromkeys(("tuesday", "tu", "tues", "周二", "星期二", "礼拜二"), "tue"),
    **dict.fromkeys(("wednesday", "we", "weds", "周三", "星期三", "礼拜三"), "wed"),
    **dict.fromkeys(("thursday", "th", "thur", "thurs", "周四", "星期四", "礼拜四"), "thu"),
    **dict.fromkeys(("friday", "fr", "周五", "星期五", "礼拜五"), "fri"),
    **dict.fromkeys(("saturday", "sa", "周六", "星期六", "礼拜六"), "sat"),
    **dict.fromkeys(("sunday", "su", "周日", "周天", "星期日", "星期天", "礼拜天"), "sun"),
    **{day: day for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")},
}
_GROUPS_OF_DAYS: Mapping[str, str] = {
    **dict.fromkeys(("weekdays", "weekday", "workdays", "1-5", "工作日"), "mon-fri"),
    **dict.fromkeys(("weekend", "weekends", "6-7", "周末"), "sat,sun"),
    **dict.fromkeys(
        ("daily", "all", "always", "every day", "everyday", "1-7", "每天"), "mon-sun"
    ),
}

_SEVERITIES: Mapping[str, str] = {
    **dict.fromkeys(("high", "error", "crit", "major", "severe", "严重", "紧急"), "critical"),
    **dict.fromkeys(("medium", "minor", "warn", "警告", "一般"), "warning"),
    **dict.fromkeys(("low", "notice", "information", "提示", "通知"), "info"),
}
_DATE = re.compile(r"(\d{4})[-/.\u5e74](\d{1,2})[-/.\u6708](\d{1,2})\u65e5?")
_COUNTRIES: Mapping[str, str] = {
    **dict.fromkeys(("china", "chn", "prc", "cn", "zh", "zh-cn", "中国", "大陆"), "CN"),
    **dict.fromkeys(("hong kong", "hongkong", "hk", "香港"), "HK"),
    **dict.fromkeys(("taiwan", "tw", "台湾"), "TW"),
    **dict.fromkeys(("germany", "deutschland", "de", "德国"), "DE"),
    **dict.fromkeys(("uk", "great britain", "england", "gb", "英国"), "GB"),
    **dict.fromkeys(("usa", "united states", "america", "us", "美国"), "US"),
    **dict.fromkeys(("singapore", "sg", "新加坡"), "SG"),
}

_MEASURES: Mapping[str, str] = {
    **dict.fromkeys(("sl", "sla", "tsf", "service level", "服务水平"), "service_level"),
    **dict.fromkeys(("asa", "awt", "平均等待", "平均等待时长", "平均应答时间"), "average_wait"),
    **dict.fromkeys(("aht", "att", "talk_time", "平均通话"), "average_talk"),
    **dict.fromkeys(
        (
            "queue_length",
            "queue_size",
            "calls_waiting",
            "in_queue",
            "排队",
            "排队等待",
            "等待",
            "排队人数",
            "等待人数",
        ),
        "waiting",
    ),
    **dict.fromkeys(
        (
            "wait",
            "wait_time",
            "waiting_time",
            "oldest",
            "max_waiting",
            "最长等待",
            "最长等待时长",
            "等待时长",
        ),
        "longest_wait",
    ),
    **dict.fromkeys(
        ("abandon_rate", "abandon", "abandons", "abandonment", "hang_ups", "放弃率"),
        "abandonment_rate",
    ),
    **dict.fromkeys(("answered_rate", "接通率", "接起率"), "answer_rate"),
    **dict.fromkeys(("ewt", "预计等待"), "estimated_wait"),
    **dict.fromkeys(("utilization", "utilisation", "占用率"), "occupancy"),
    **dict.fromkeys(("agents", "logged_in", "在岗坐席"), "agents_staffed"),
    **dict.fromkeys(
        ("free_agents", "idle_agents", "agents_free", "空闲坐席"), "agents_available"
    ),
}


def narrow(text: str) -> str:
    """Return *text* with the narrow forms of what a Chinese keyboard types wide."""
    return unicodedata.normalize("NFKC", text.translate(_TYPED_WIDE)).strip()


def _plain(text: str) -> str:
    """Return *text* as it is compared: narrow, small letters, without stray punctuation."""
    return narrow(text).lower().lstrip("<>=").strip(_QUOTES + ";,.")


def duration_meant(text: str) -> str | None:
    """Return ``3m`` for ``3 minutes``, ``3min`` or ``03:00``."""
    plain = _plain(text)
    clock = _CLOCK.fullmatch(plain)
    if clock is not None:
        parts = zip((clock[1] or "0", clock[2], clock[3]), "hms", strict=True)
        return "".join(f"{int(number)}{unit}" for number, unit in parts if int(number)) or None
    written, end, before = "", 0, -1
    for amount in _AMOUNT.finditer(plain):
        unit = _UNITS.get(amount[2])
        place = _ORDER.index(unit) if unit is not None else -1
        if amount.start() != end or place <= before:
            return None
        before = place
        written, end = f"{written}{amount[1].replace(',', '.')}{unit}", amount.end()
    return written if written and end == len(plain) else None


def share_meant(text: str) -> str | None:
    """Return ``20%`` for ``20 percent``, ``%20`` or ``百分之20``, ``0.2`` for ``0,2``."""
    plain = _plain(text)
    match = _OF_HUNDRED.fullmatch(plain) or _PERCENT.fullmatch(plain)
    if match is None:
        return None
    number = match[1].replace(",", ".")
    bare = plain == match[1]
    if not bare:
        return f"{number}%"
    if "." not in number:
        return None
    return number if float(number) < 1 else f"{number}%"


def count_meant(text: str) -> str | None:
    """Return ``20`` for ``20 calls``."""
    match = re.fullmatch(r"(\d+)\s*[a-z\u4e00-\u9fff]*", _plain(text))
    return match[1] if match and match[1] != text else None


def hours_meant(text: str) -> str | None:
    """Return ``09:00-18:00`` for ``9-18``, ``9am to 6pm`` or ``上午9点到下午6点``."""
    match = _FROM_TO.fullmatch(_CHINESE_HOUR.sub(_western, _plain(text)))
    if match is None:
        return None
    moments = [_moment(*match.groups()[at : at + 3]) for at in (0, 3)]
    return None if None in moments else f"{moments[0]}-{moments[1]}"


def _western(found: re.Match[str]) -> str:
    """Return ``6:30pm`` for ``下午6点半``; ``24:00`` for ``晚上12点``."""
    minute = "30" if found["minute"] == "半" else found["minute"] or found["past"] or "00"
    if found["part"] == "晚上" and found["hour"] == "12":
        return "24:00" if minute == "00" else f"00:{minute}"
    half = {"上午": "am", "早上": "am", "下午": "pm", "晚上": "pm"}.get(found["part"], "")
    return f"{found['hour']}:{minute}{half}"


def _moment(hour: str, minute: str | None, half: str | None) -> str | None:
    number = int(hour)
    if half is not None:
        number = number % 12 + (12 if half.startswith("p") else 0)
    if number > 24:  # noqa: PLR2004 - past midnight: 25:00 is 01:00
        number -= 24
    return f"{number:02d}:{minute or '00'}" if number <= 24 else None  # noqa: PLR2004 - a day


def days_meant(text: str) -> str | None:
    """Return ``mon-fri`` for ``Monday-Friday``, ``weekdays`` or ``周一至周五``."""
    plain = _plain(text)
    if plain in _GROUPS_OF_DAYS:
        return _GROUPS_OF_DAYS[plain]
    parts = re.split(r"\s*(-|\.\.|~|to|至|到|,|and|&)\s*", plain)
    days = [_DAYS.get(part) for part in parts[::2]]
    if None in days:
        return None
    marks = ["," if mark in {",", "and", "&"} else "-" for mark in parts[1::2]]
    return "".join(f"{day}{mark}" for day, mark in zip(days, [*marks, ""], strict=True))


def choice_meant(text: str) -> str | None:
    """Return ``critical`` for ``严重``, ``high`` or ``error``, as other systems call it."""
    return _SEVERITIES.get(_plain(text))


def dates_meant(text: str) -> str | None:
    """Return ``2026-11-10..2026-11-12`` for ``2026-11-10 - 2026-11-12`` or ``2026/11/10``."""
    dates = _DATE.findall(narrow(text))
    between = _DATE.sub("", narrow(text)).strip(" -.~to至到")
    if between or not 1 <= len(dates) <= 2:  # noqa: PLR2004 - one day, or the first and the last
        return None
    try:
        found = [dt.date(int(year), int(month), int(day)) for year, month, day in dates]
    except ValueError:
        return None
    return "..".join(day.isoformat() for day in found)


def country_meant(text: str) -> str | None:
    """Return ``CN`` for ``China`` or ``中国``."""
    return _COUNTRIES.get(_plain(text))


def measure_meant(text: str) -> str | None:
    """Return ``service_level`` for ``SLA``, as other systems call it."""
    plain = _plain(text)
    return _MEASURES.get(plain) or _MEASURES.get(plain.replace(" ", "_"))
