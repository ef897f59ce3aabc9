"""A backtest as one HTML file: the one door to Jinja in this package.

The file asks nothing of anybody: styles and pictures are in it, there is no script, and the
policy in its head forbids everything else, whatever a queue may be called.
"""

import base64
import hashlib

import jinja2

from callmon import __version__
from callmon.backtest.curve import paint_curve
from callmon.backtest.listing import listing_of
from callmon.backtest.marks import STRIP_HEIGHT, STRIP_WIDTH, TALL
from callmon.backtest.outcome import Found
from callmon.backtest.sections import sections_of
from callmon.backtest.texts import CHANGES, KINDS, TEXTS
from callmon.backtest.timeline import DAYS_HEIGHT, paint_timeline
from callmon.backtest.verdict import verdict_texts
from callmon.console.text import clean
from callmon.wording import SEVERITIES, Language

__all__ = ["page_html"]


def page_html(found: Found, language: Language = Language.ENGLISH) -> str:
    """Return the page of what was *found*, for a browser without a network."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("callmon.backtest"),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = environment.get_template("backtest.css").render()
    digest = hashlib.sha256(style.encode()).digest()
    return environment.get_template("backtest.html").render(
        texts=TEXTS[language],
        kinds=KINDS[language],
        severities=SEVERITIES[language],
        changes=CHANGES[language],
        language=language,
        style_hash=base64.b64encode(digest).decode(),
        release=__version__,
        backtest=found.backtest,
        verdict=verdict_texts(found.backtest, language),
        timeline=paint_timeline(found.backtest, language),
        days_height=DAYS_HEIGHT,
        strip_width=STRIP_WIDTH,
        strip_height=STRIP_HEIGHT,
        tall=TALL,
        curves=[paint_curve(sweep, language) for sweep in found.sweeps if sweep.points],
        page=sections_of(found.backtest, language),
        listing=listing_of(found.backtest, language),
    )


def _shown(value: object) -> object:
    """Return *value* without what turns a line around or is no character of a page.

    What a macro has made went through here before.
    """
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return clean(value)
    return value
