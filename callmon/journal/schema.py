"""The tables of the journal, and the steps from one version to the next.

``PRAGMA user_version`` counts the steps taken; what is there was written by this callmon
or an older one. A step is only ever added at the end.
"""

__all__ = ["APPLICATION_ID", "MIGRATIONS", "PRAGMAS"]

APPLICATION_ID = 0x63616C6C
"""``call``: tells a journal from any other SQLite file."""

PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA journal_size_limit = 67108864",  # what a long reader made of the WAL is given back
    "PRAGMA synchronous = NORMAL",
    "PRAGMA cache_size = -16384",  # the index of ids is written all over
)
"""Set on every connection that writes."""

_FIRST = (
    """CREATE TABLE progress (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        last INTEGER NOT NULL,
        commits INTEGER NOT NULL
    )""",
    "INSERT INTO progress VALUES (1, 0, 0)",
    """CREATE TABLE feeds (
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        source TEXT NOT NULL,
        stream TEXT NOT NULL,
        live INTEGER NOT NULL,
        position TEXT
    )""",
    # A mark of time has no feed. body is JSON, so that other programs can read it.
    """CREATE TABLE events (
        number INTEGER PRIMARY KEY,
        feed INTEGER,
        live INTEGER NOT NULL,
        at INTEGER NOT NULL,
        body TEXT NOT NULL
    )""",
    """CREATE TABLE seen (
        feed INTEGER NOT NULL,
        id INTEGER NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (feed, id)
    ) WITHOUT ROWID""",
    "CREATE INDEX seen_in_order ON seen (feed, number)",
    """CREATE TABLE checkpoint (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        through INTEGER NOT NULL,
        at INTEGER NOT NULL
    )""",
    "CREATE TABLE parts (key TEXT PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE kept (key TEXT PRIMARY KEY, value BLOB NOT NULL)",
    """CREATE TABLE intervals (
        queue TEXT NOT NULL,
        start INTEGER NOT NULL,
        cohort TEXT NOT NULL,
        arrived INTEGER NOT NULL,
        answered INTEGER NOT NULL,
        abandoned INTEGER NOT NULL,
        timeout INTEGER NOT NULL,
        key_exit INTEGER NOT NULL,
        empty INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        redirected INTEGER NOT NULL,
        withdrawn INTEGER NOT NULL,
        lost INTEGER NOT NULL,
        short_abandoned INTEGER NOT NULL,
        answered_within INTEGER NOT NULL,
        abandoned_within INTEGER NOT NULL,
        answered_wait INTEGER NOT NULL,
        abandoned_wait INTEGER NOT NULL,
        max_wait INTEGER NOT NULL,
        refused INTEGER NOT NULL,
        talks INTEGER NOT NULL,
        talk INTEGER NOT NULL,
        PRIMARY KEY (start, queue, cohort)
    ) WITHOUT ROWID""",
    """CREATE TABLE alerts (
        threshold TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        severity TEXT NOT NULL,
        fired_at INTEGER NOT NULL,
        since INTEGER NOT NULL,
        measure TEXT NOT NULL,
        "window" TEXT,
        direction TEXT NOT NULL,
        "limit" REAL,
        value REAL,
        peak REAL,
        ended_at INTEGER,
        ended TEXT,
        PRIMARY KEY (fired_at, threshold, kind, subject, severity)
    ) WITHOUT ROWID""",
)

_ALERT_HISTORY = (
    "ALTER TABLE alerts ADD COLUMN raised_at INTEGER",
    "ALTER TABLE alerts ADD COLUMN shift TEXT",
    "ALTER TABLE alerts ADD COLUMN labels TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE alerts ADD COLUMN cause TEXT",
    # What became of an alert on its way to people.
    """CREATE TABLE alert_steps (
        threshold TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        severity TEXT NOT NULL,
        fired_at INTEGER NOT NULL,
        step TEXT NOT NULL,
        at INTEGER NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (fired_at, threshold, kind, subject, severity, step, detail)
    ) WITHOUT ROWID""",
    # Agents, counted now and then: their mean is staffed / samples.
    """CREATE TABLE staffing (
        queue TEXT NOT NULL,
        start INTEGER NOT NULL,
        samples INTEGER NOT NULL,
        staffed INTEGER NOT NULL,
        PRIMARY KEY (start, queue)
    ) WITHOUT ROWID""",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _ALERT_HISTORY)
"""One step each: statements that are run in one transaction."""
