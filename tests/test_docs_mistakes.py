"""Tests of the page of mistakes: callmon says what stands there, and the cures are cures."""

import pytest

from scripts.write_mistakes import MISTAKES, PAGE, Mistake, mistakes_page


def test_the_page_is_what_callmon_says_now() -> None:
    """`scripts/write_mistakes.py` makes every mistake anew."""
    assert PAGE.read_text() == mistakes_page()


def test_there_are_all_that_people_make() -> None:
    """Those that everybody makes are among them, each once."""
    titles = [mistake.title for mistake in MISTAKES]

    assert len(set(titles)) == len(titles)
    assert 10 <= len(titles)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.title)
def test_a_mistake_is_not_its_cure(mistake: Mistake) -> None:
    """What is right differs from what is wrong in a line or two."""
    wrong, right = (text.splitlines() for text in (mistake.wrong, mistake.right))

    assert 1 <= len(set(right) ^ set(wrong)) <= 3
