"""Write docs/notifications.md and its pictures: ``python -m tests.notifications``."""

import asyncio
import tempfile
from pathlib import Path

from tests.notifications.page import LANGUAGES, PAGE, PICTURES, Rendered, page, rendered
from tests.notifications.picture import draw

HEIGHT = 720
"""Of the pictures: all of a mail of the usual length."""


async def _both(folder: Path) -> dict[str, Rendered]:
    return {language: await rendered(language, folder) for language in LANGUAGES}


def main() -> None:
    """Render everything, and write it down."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        by_language = asyncio.run(_both(folder))
        PAGE.write_text(page(by_language))
        for language, site in by_language.items():
            (warning, recovered), (_, closed), _ = site.mails
            mails = [mail.body("html") for mail in (warning, recovered, closed)]
            draw(mails, HEIGHT, PICTURES / f"mail-{language}.png", folder)


if __name__ == "__main__":
    main()
