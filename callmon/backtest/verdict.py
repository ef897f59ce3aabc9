"""What a backtest says in a few sentences. Pure."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from callmon.backtest.counts import (
    DAY,
    Totals,
    covered,
    days,
    noisiest,
    per,
    totals,
    worst_day,
)
from callmon.backtest.figures import day_text, rate_text, share_text, span_text, subject_text
from callmon.backtest.outcome import Backtest
from callmon.backtest.texts import TEXTS
from callmon.clock import Micros
from callmon.wording import Language

__all__ = ["extreme_texts", "pages_text", "times_text", "verdict_texts"]


def verdict_texts(backtest: Backtest, language: Language) -> list[str]:
    """Return what it comes to: how often somebody is paged, and how much of it is noise."""
    texts, length = TEXTS[language], covered(backtest)
    found = totals(backtest.candidate.lines, backtest.until)
    said = texts["paged" if found.pages else "paged_nobody"].format(
        length=span_text(backtest, language),
        name=backtest.candidate.name,
        pages=times_text(found.pages, language),
        rate=_rate(found.pages, length, language),
    )
    if backtest.present is not None:
        said += _compared(backtest, found.pages, language)
    if not found.episodes:
        return [said]
    return [said, _noise(found, language)]


def times_text(count: int, language: Language) -> str:
    """Return ``684 times``, or ``once``."""
    return TEXTS[language]["once" if count == 1 else "times"].format(count=f"{count:,}")


def pages_text(count: int, language: Language) -> str:
    """Return ``12 pages``."""
    return TEXTS[language]["page_count" if count == 1 else "pages_count"].format(
        count=f"{count:,}"
    )


def _rate(count: int, length: Micros, language: Language) -> str:
    rate = per(count, length, DAY)
    return "" if rate is None else TEXTS[language]["rate"].format(count=rate_text(rate))


def _noise(found: Totals, language: Language) -> str:
    texts = TEXTS[language]
    episodes = times_text(found.episodes, language)
    if not found.noise:
        return texts["fired_clean"].format(episodes=episodes)
    brief, again = (_some(count, found, language) for count in (found.brief, found.again))
    was = texts["was" if found.brief <= 1 else "were"]
    return texts["fired"].format(episodes=episodes, brief=brief, again=again, was=was)


def _some(count: int, found: Totals, language: Language) -> str:
    if not count:
        return TEXTS[language]["none"]
    share = share_text(count, found.episodes)
    return TEXTS[language]["some"].format(count=f"{count:,}", share=share)


def _compared(backtest: Backtest, pages: int, language: Language) -> str:
    """Return what the present file did, and how that differs."""
    if backtest.present is None:
        return ""
    texts = TEXTS[language]
    before = totals(backtest.present.lines, backtest.until).pages
    said = texts["now" if before else "now_nobody"].format(
        name=backtest.present.name,
        pages=times_text(before, language),
        rate=_rate(before, covered(backtest), language),
        change=_change(before, pages, language),
    )
    return said if backtest.differences else said + texts["no_changes"]


def _change(before: int, after: int, language: Language) -> str:
    """Return how much less or more often the candidate pages."""
    texts = TEXTS[language]
    if before == after:
        return texts["same"]
    share = share_text(abs(after - before), before)
    return texts["fewer" if after < before else "more"].format(share=share)


def extreme_texts(backtest: Backtest, language: Language) -> Iterator[str]:
    """Yield whose noise is the most, and which day was the worst."""
    texts, zone = TEXTS[language], ZoneInfo(backtest.timezone)
    noisy = noisiest(backtest.candidate)
    if noisy is not None:
        line, noise = noisy
        yield texts["noisiest"].format(
            threshold=line.threshold.name,
            subject=subject_text(line.subject, language),
            noise=noise,
            episodes=len(line.episodes),
            share=share_text(noise, len(line.episodes)),
        )
    begin = max(backtest.since, backtest.first)
    worst = worst_day(days(backtest.candidate, begin, backtest.until, zone))
    if worst is not None and covered(backtest) > DAY:
        day = day_text(worst.date, language)
        yield texts["worst_day"].format(day=day, pages=pages_text(worst.pages, language))
