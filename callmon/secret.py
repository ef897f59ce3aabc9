"""A text that must not be shown: passwords and tokens, between the file and the wire."""

__all__ = ["Secret"]


class Secret:
    """A password or token: prints as ``<secret>``; ``reveal`` is called where it is sent."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)
