"""Messages in both languages: logs and programs read English, people what they asked for."""

from collections.abc import Mapping

from callmon.wording import Language

__all__ = ["Said", "Texts", "said"]

Texts = Mapping[Language, Mapping[str, str]]
"""Templates of each language, by the same keys."""


class Said(str):
    """A message: its text is the English one."""

    __slots__ = ("chinese",)

    chinese: str

    @classmethod
    def of(cls, english: str, chinese: str) -> "Said":
        """Return what is *english*, and *chinese* to who asks for that."""
        message = cls(english)
        message.chinese = chinese
        return message


def said(texts: Texts, key: str, /, **values: object) -> Said:
    """Return the message *key* of *texts* with *values*, each in the language it is said in."""
    chinese = {
        name: value.chinese if isinstance(value, Said) else value
        for name, value in values.items()
    }
    return Said.of(
        texts[Language.ENGLISH][key].format(**values),
        texts[Language.CHINESE][key].format(**chinese),
    )
