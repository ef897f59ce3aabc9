"""The texts of the dashboards: written in English, and said in Chinese by a table."""

from pathlib import Path

import yaml

from callmon.wording import Language

__all__ = ["CHINESE", "Words"]

CHINESE = Path(__file__).parent / "chinese.yml"


class Words:
    """Says texts in one language, and remembers which were asked for."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self.said: set[str] = set()
        self._table: dict[str, str] = {}
        if language is Language.CHINESE:
            self._table = yaml.safe_load(CHINESE.read_text(encoding="utf-8"))

    def __call__(self, text: str) -> str:
        """Return *text* in this language.

        Raises:
            KeyError: there is no Chinese for it in ``chinese.yml``.
        """
        self.said.add(text)
        return text if self.language is Language.ENGLISH else self._table[text]

    @property
    def suffix(self) -> str:
        """What the uids of the dashboards of this language end in."""
        return "" if self.language is Language.ENGLISH else "-zh"
