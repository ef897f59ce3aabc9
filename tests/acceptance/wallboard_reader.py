"""Reads a wallboard as a person does: what stands where, what is said, what moves."""

import dataclasses
from collections.abc import Mapping, Sequence

import pytest
from playwright.async_api import Page
from playwright.async_api import TimeoutError as TooLate

__all__ = ["Row", "Wall"]

WITHIN_S = 5.0

_READ = """
name => [...document.querySelectorAll(`[data-list="${name}"] > [data-item]`)].map(item => {
  const box = item.getBoundingClientRect();
  const slots = {};
  for (const slot of item.querySelectorAll("[data-slot]")) {
    slots[slot.dataset.slot] = slot.checkVisibility() ? slot.textContent : "";
  }
  return {id: item.dataset.item, level: item.dataset.level || "", slots,
    top: box.top, bottom: box.bottom, height: item.checkVisibility() ? box.height : 0};
})
"""

_SAYS = """
([item, slot, text]) => {
  const found = [...document.querySelectorAll("[data-item]")]
    .find(each => each.dataset.item === item);
  const said = found && (slot.startsWith("@") ? found.dataset[slot.slice(1)]
    : found.querySelector(`[data-slot="${slot}"]`)?.textContent);
  return said === text ? Date.now() : 0;
}
"""
"""The instant at which it is said: asked in each picture the browser draws."""

_SCROLL = """
async seconds => {
  const gaps = [], end = performance.now() + seconds * 1000;
  let last = await new Promise(requestAnimationFrame), down = true;
  const height = document.documentElement.scrollHeight - innerHeight;
  while (performance.now() < end) {
    const now = await new Promise(requestAnimationFrame);
    gaps.push(now - last);
    last = now;
    if (scrollY >= height - 1) down = false;
    if (scrollY <= 0) down = true;
    scrollBy(0, down ? 40 : -40);
  }
  return gaps;
}
"""

_SMALL = """
limit => [...document.querySelectorAll("body *")]
  .filter(each => [...each.childNodes].some(node =>
      node.nodeType === Node.TEXT_NODE && node.textContent.trim()))
  .filter(each => each.checkVisibility() && each.getBoundingClientRect().width > 2)
  .filter(each => parseFloat(getComputedStyle(each).fontSize) < limit)
  .map(each => `${each.className || each.tagName}: ${each.textContent.slice(0, 40)}`)
"""

_DARK = """
() => {
  const [red, green, blue] = getComputedStyle(document.body).backgroundColor
    .match(/[\\d.]+/g).map(Number);
  return red + green + blue < 384;
}
"""

_SHAPE = """
item => {
  const found = [...document.querySelectorAll("[data-item]")]
    .find(each => each.dataset.item === item).querySelector(".shape");
  const before = getComputedStyle(found, "::before");
  return [found.textContent, before.content, before.clipPath, before.borderRadius,
    getComputedStyle(found).clipPath].join(" ");
}
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the board or of the list of alerts."""

    id: str
    level: str
    slots: Mapping[str, str]  #: what can be read; what is hidden reads as nothing
    top: float
    bottom: float
    height: float

    def __getitem__(self, slot: str) -> str:
        return self.slots[slot]


class Wall:
    """A page that shows the wallboard, or the view of one."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def rows(self) -> dict[str, Row]:
        """Return all lines of the board, groups and queues, in their order."""
        return {row.id: row for row in await self._list("rows")}

    async def alerts(self) -> list[Row]:
        """Return the list of alerts."""
        return await self._list("alerts")

    async def seen(self) -> list[Row]:
        """Return the lines that stand on the screen now, from above."""
        assert self._page.viewport_size is not None
        height = self._page.viewport_size["height"]
        shown = [
            row
            for row in await self._list("rows")
            if row.height and row.top >= 0 and row.bottom <= height + 1
        ]
        return sorted(shown, key=lambda row: row.top)

    async def _list(self, name: str) -> list[Row]:
        return [Row(**found) for found in await self._page.evaluate(_READ, name)]

    async def slot(self, name: str) -> str:
        """Return the text of a slot that stands in no line."""
        text = await self._page.locator(f'[data-slot="{name}"]').first.text_content()
        return text or ""

    async def says(self, item: str, slot: str, text: str, within: float = WITHIN_S) -> float:
        """Wait until a line says so; return the time at which it did."""
        asked = f"{item}: {slot}: expected {text!r}"
        try:
            found = await self._page.wait_for_function(
                _SAYS, arg=[item, slot, text], timeout=within * 1e3
            )
        except TooLate:
            row = (await self.rows()).get(item)
            pytest.fail(f"not within {within} s: {asked}, found {row}")
        said: float = await found.json_value()
        return said / 1e3

    async def changes(self, item: str, level: str, within: float = WITHIN_S) -> float:
        """Wait until a line has a level; return the time at which it had."""
        return await self.says(item, "@level", level, within)

    async def is_gone(self, item: str, within: float = WITHIN_S) -> None:
        """Wait until there is no such line."""
        await self._page.wait_for_function(
            "item => ![...document.querySelectorAll('[data-item]')]"
            ".some(each => each.dataset.item === item)",
            arg=item,
            timeout=within * 1e3,
        )

    async def is_live(self, within: float = WITHIN_S) -> None:
        """Wait until a frame has come, and no loss is told."""
        await self._page.wait_for_function(
            "() => window.seen.frames > 0 && document.getElementById('lost').hidden",
            timeout=within * 1e3,
        )

    async def is_lost(self, within: float) -> None:
        """Wait until the loss of the connection is told."""
        await self._page.wait_for_function(
            "() => !document.getElementById('lost').hidden", timeout=within * 1e3
        )

    async def lost_text(self) -> str:
        """Return what is told of the loss."""
        return await self._page.inner_text("#lost")

    async def spoken_of(self, name: str, within: float = WITHIN_S) -> str:
        """Wait until *name* is spoken of to who cannot see; return the sentence."""
        await self._page.wait_for_function(
            "name => document.getElementById('news').textContent.includes(name)",
            arg=name,
            timeout=within * 1e3,
        )
        return await self._page.text_content("#news") or ""

    async def fits(self) -> bool:
        """Tell whether nothing is wider than the screen."""
        found: bool = await self._page.evaluate(
            "() => document.documentElement.scrollWidth <= innerWidth"
        )
        return found

    async def overhang(self) -> float:
        """Return by how much the page is higher than the screen."""
        found: float = await self._page.evaluate(
            "() => document.documentElement.scrollHeight - innerHeight"
        )
        return found

    async def small_text(self, pixels: float) -> Sequence[str]:
        """Return texts in smaller letters than that."""
        found: list[str] = await self._page.evaluate(_SMALL, pixels)
        return found

    async def is_dark(self) -> bool:
        """Tell whether the background is rather black than white."""
        found: bool = await self._page.evaluate(_DARK)
        return found

    async def shape(self, item: str) -> str:
        """Return what tells the level of a line but for its colour and its word."""
        found: str = await self._page.evaluate(_SHAPE, item)
        return found

    async def scroll_through(self, seconds: float) -> list[float]:
        """Scroll up and down; return the times between two pictures, in ms."""
        found: list[float] = await self._page.evaluate(_SCROLL, seconds)
        return found

    async def link(self, item: str) -> str:
        """Return the address of the view of a line."""
        found: str = await self._page.evaluate(
            "item => [...document.querySelectorAll('[data-item]')]"
            ".find(each => each.dataset.item === item).querySelector('a').href",
            item,
        )
        return found
