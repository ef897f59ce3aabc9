"""``callmon suggest``: limits from what is usual, each with what it would have meant.

``command`` is the whole of it. ``limits`` are those worth a try, ``trying`` lives through the
past with all of them, ``findings`` chooses, ``report`` tells it, ``writing`` puts it into
thresholds.yml, ``beginning`` is one to begin with.
"""

from callmon.suggest.command import SuggestRequest, rate, suggest_text
from callmon.suggest.findings import Wanted

__all__ = ["SuggestRequest", "Wanted", "rate", "suggest_text"]
