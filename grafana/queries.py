"""The PromQL that several panels share.

``kind`` is ``queue`` or ``group``: Grafana puts it into names of metrics and of labels.
Every selector keeps to the chosen ``job`` and ``instance``; figures of two callmons that
watch the same queues are one figure: the larger.
"""

from callmon.measures import MEASURES, Unit

__all__ = [
    "LABELLED",
    "LEVELS",
    "STATES",
    "alerts",
    "alerts_by_severity",
    "alerts_seen",
    "alerts_standing",
    "at_level",
    "counted",
    "figure",
    "known",
    "level",
    "limit",
    "raised",
    "selector",
    "share",
    "share_of_time",
    "standing",
    "state",
    "stood",
    "stood_for",
    "summed",
    "unseen",
    "urgency",
    "wait",
    "waits_now",
    "without_level",
]

KIND = "${kind}"
SCRAPES = 'job=~"$job", instance=~"$instance"'
CHOSEN = f"{KIND}=~`${{queue:regex}}`"
LABELLED = ("team=~`${team:regex}`", "site=~`${site:regex}`")
"""Names are people's own: ``客服(1)``, ``say "hi"``. Without ``:regex`` Grafana escapes no
name where only one can be chosen, and nowhere a quote; what it escapes so is for backticks."""

SAME = f"on (job, instance, {KIND})"

LEVELS = {"fine": 0, "near": 1, "beyond": 2, "critical": 3}
"""How a figure stands to the limits in force; a figure without a limit has no level."""

NEAR = "0.8"
"""From four fifths of the way to a limit on, a figure is near it."""


def selector(metric: str, *matchers: str) -> str:
    """Return the selector of *metric* at the chosen callmons."""
    return f"{metric}{{{', '.join([SCRAPES, *matchers])}}}"


def _chosen(metric: str, *matchers: str) -> str:
    return selector(metric, CHOSEN, *matchers)


def subjects(earlier: str = "") -> str:
    """Return the chosen queues, or groups; labels that do not exist exclude none."""
    return _chosen(f"callmon_{KIND}_info", *LABELLED) + earlier


def _named(expression: str, earlier: str = "") -> str:
    """Return *expression* for the chosen ones, under the label ``name``."""
    of_the_chosen = f"({expression}) and {SAME} {subjects(earlier)}"
    return f'max by (name) (label_join({of_the_chosen}, "name", "", "{KIND}"))'


def known() -> str:
    """Return 1 for each chosen queue, also for one of which nothing else is known."""
    return f'max by (name) (label_join({subjects()}, "name", "", "{KIND}"))'


def _window(*, windowed: bool) -> list[str]:
    return ['window="$window"'] if windowed else []


def figure(metric: str, *matchers: str, windowed: bool = False, offset: str = "") -> str:
    """Return ``callmon_queue_<metric>`` by name, *offset* earlier."""
    earlier = f" offset {offset}" if offset else ""
    found = _chosen(f"callmon_{KIND}_{metric}", *matchers, *_window(windowed=windowed))
    return _named(f"{found}{earlier}", earlier)


def summed(metric: str, label: str) -> str:
    """Return ``callmon_queue_<metric>`` of all chosen ones, by *label*."""
    found = _chosen(f"callmon_{KIND}_{metric}")
    each = f"max by ({KIND}, {label}) ({found} and {SAME} {subjects()})"
    return f"sum by ({label}) ({each})"


def counted(metric: str, label: str, over: str) -> str:
    """Return by how much a counter of contacts grew *over* a time, by *label*.

    Its name begins otherwise for groups; a series has the label ``queue`` or ``group``.
    """
    grown = [
        f"increase({_chosen(f'callmon_{kind}{metric}')}[{over}])" for kind in ("", "group_")
    ]
    both = f"({' or '.join(grown)}) and {SAME} {subjects()}"
    return f"sum by ({label}) (max by ({KIND}, {label}) ({both}))"


def share(metric: str) -> str:
    """Return a ratio, cut to a tenth of a percent; NaN where there was no contact.

    Cut, because 99.96 % must not read like 100 %. What is not known stays away.
    """
    ratio = f"floor({figure(metric, windowed=True)} * 1000 + 0.000001) / 1000"
    nobody = f"({figure('window_offered_contacts', windowed=True)} == 0) * NaN"
    return f"{ratio} or {nobody}"


def wait() -> str:
    """Return how long the one who waits longest has waited, exact between two scrapes."""
    since = _chosen(f"callmon_{KIND}_oldest_contact_timestamp_seconds")
    told = _chosen(f"callmon_{KIND}_longest_wait_seconds")
    return f"floor({_named(f'clamp_min(time() - {since}, 0) or {told}')})"


def waits_now() -> str:
    """Return the longest wait of all."""
    return f"max({wait()})"


def _threshold(metric: str, measure: str, *matchers: str, windowed: bool) -> str:
    return _chosen(
        f"callmon_threshold_{metric}",
        f'measure=~"{measure}"',
        *matchers,
        *_window(windowed=windowed),
    )


def limit(measure: str, *, windowed: bool) -> str:
    """Return the limits in force on *measure*, by threshold."""
    found = _threshold("limit", measure, windowed=windowed)
    return f"max by (threshold, {KIND}) ({found} and {SAME} {subjects()})"


def level(measure: str) -> str:
    """Return how *measure* stands to its limits, as in ``LEVELS``.

    The worst of all its thresholds; absent where there is none. Critical is what a critical
    alert stands for. *measure* is a name, or a regular expression of names.
    """
    entry = MEASURES[measure.partition("(")[0]]
    windowed = entry.live is None
    critical = _threshold("firing", measure, 'severity="critical"', windowed=windowed)
    passed = [
        _passed(measure, direction, entry.unit, windowed=windowed)
        for direction in ("above", "below")
    ]
    alternatives = [f"({critical} == 1) * {LEVELS['critical']}", *passed]
    return _named(" or ".join(alternatives))


def _passed(measure: str, direction: str, unit: Unit, *, windowed: bool) -> str:
    """Return 2 for a value beyond its limit, 1 for one that is near, else 0."""
    way = f'direction="{direction}"'
    value = _threshold("value", measure, way, windowed=windowed)
    bound = _threshold("limit", measure, way, windowed=windowed)
    if measure == "longest_wait":  # it has grown since the scrape
        value = f"({value} + (time() - timestamp({value})) * ({value} > bool 0))"
    if direction == "above":
        near = f"({value} >= bool {NEAR} * {bound}) * ({value} > bool 0)"
        return f"{near} + ({value} > bool {bound})"
    margin = f"{NEAR} * {bound} + 0.2" if unit is Unit.RATIO else f"{bound} / {NEAR}"
    return f"({value} <= bool {margin}) + ({value} < bool {bound})"


def at_level(value: str, measure: str, wanted: str) -> str:
    """Return those of *value* whose *measure* is at the level *wanted*."""
    return f"({value}) and on (name) ({level(measure)} == {LEVELS[wanted]})"


def without_level(value: str, measure: str) -> str:
    """Return those of *value* whose *measure* has no limit to be compared with."""
    return f"({value}) unless on (name) {level(measure)}"


STATES = {"fine": 0, "beyond": 1, "info": 2, "warning": 3, "blind": 4, "critical": 5}
"""How bad it is with a queue: its worst alert, or that nothing can be seen.

Beyond: a limit is passed, but not for long enough, or by too few contacts, for an alert.
"""


def _firing(severity: str) -> str:
    firing = _chosen("callmon_threshold_firing", f'severity="{severity}"')
    return f"({firing} == 1) * {STATES[severity]}"


def _beyond() -> str:
    """Return what stands beyond any limit."""
    sides = {"above": ">", "below": "<"}
    found = [
        f"({_chosen('callmon_threshold_value', way)} {sign} bool"
        f" {_chosen('callmon_threshold_limit', way)}) == 1"
        for way, sign in ((f'direction="{side}"', sign) for side, sign in sides.items())
    ]
    return f"({' or '.join(found)}) * {STATES['beyond']}"


def state() -> str:
    """Return the state of each chosen one, as in ``STATES``."""
    return " or ".join(
        [
            _named(_firing("critical")),
            f"({known()} unless {figure('waiting_contacts')}) * {STATES['blind']}",
            _named(f"{_firing('warning')} or {_firing('info')}"),
            _named(_beyond()),
            f"{known()} * {STATES['fine']}",
        ]
    )


def urgency() -> str:
    """Return what the worst first is sorted by: state, then over target, then the wait."""
    over = figure("waiting_over_target_contacts")
    tie = f"({over} * 1000 + clamp_max({wait()}, 999) or {known()} * 0)"
    return f"({state()}) * 1000000 + {tie}"


def alerts_standing(severity: str) -> str:
    """Return how many alerts of *severity* stand; 0 only where thresholds are known."""
    firing = _chosen("callmon_threshold_firing", f'severity="{severity}"')
    known_ones = f"({firing}) and {SAME} {subjects()}"
    return f"sum(max by (threshold, {KIND}) ({known_ones}))"


def unseen() -> str:
    """Return how many chosen ones cannot be seen."""
    return f"count({known()}) - (count({figure('waiting_contacts')}) or vector(0))"


def alerts(offset: str = "") -> str:
    """Return 1 for each alert that stands, 0 for each that could; or did, *offset* ago."""
    earlier = f" offset {offset}" if offset else ""
    found = f"{_chosen('callmon_threshold_firing')}{earlier}"
    of_the_chosen = f"{found} and {SAME} {subjects(earlier)}"
    named = f'label_join({of_the_chosen}, "name", "", "{KIND}")'
    return f"max by (name, threshold, severity) ({named})"


def alerts_by_severity() -> str:
    """Return the number of its severity for each alert that stands, 0 for each that could."""
    firing = {
        severity: _chosen("callmon_threshold_firing", f'severity="{severity}"')
        for severity in ("critical", "warning", "info")
    }
    parts = " or ".join(f"{alert} * {STATES[name]}" for name, alert in firing.items())
    coded = f'label_join(({parts}) and {SAME} {subjects()}, "name", "", "{KIND}")'
    return f"max by (name, threshold, severity) ({coded})"


def alerts_seen() -> str:
    """Return ``alerts_by_severity`` without those that stood at no time of the range.

    Which they are is asked once, at the end: for each point it would take minutes.
    """
    seen = f"max_over_time({_chosen('callmon_threshold_firing')}[$__range] @ end()) == 1"
    seen = f'label_join({seen}, "name", "", "{KIND}")'
    return f"{alerts_by_severity()} and on (name, threshold, severity) ({seen})"


def standing(metric: str, unit: Unit) -> str:
    """Return ``callmon_threshold_<metric>`` of each alert that stands, in *unit*."""
    measures = "|".join(name for name, entry in MEASURES.items() if entry.unit is unit)
    kept = f"job, instance, threshold, {KIND}"
    firing = _chosen("callmon_threshold_firing", f'measure=~"{measures}"')
    told = _chosen(f"callmon_threshold_{metric}", f'measure=~"{measures}"')
    joined = f"({firing} == 1) * on ({kept}) group_left () max by ({kept}) ({told})"
    named = f'label_join(({joined}) and {SAME} {subjects()}, "name", "", "{KIND}")'
    return f"max by (name, threshold, severity) ({named})"


STEP = "2m"
"""How finely the history of alerts is looked at: a live measure's alert lasts longer."""

STEP_SECONDS = 120

KNOWN_FOR_SECONDS = 6 * 3600 - 120
"""An alert that has been known for longer may have stood before."""


def stood_for() -> str:
    """Return for how long each alert has stood; absent after more than six hours.

    Since it did not stand last, or since it is known: at its first start callmon may find
    one. One that was never looked at on a full minute is new.
    """
    standing_now = f"({alerts()}) == 1"
    quiet = f"max_over_time((timestamp(({alerts()}) == 0))[6h:1m])"
    first = f"min_over_time((timestamp({standing_now}))[6h:1m])"
    length = f"time() - ({quiet} or {first} or timestamp({standing_now}))"
    known = f"({length}) < {KNOWN_FOR_SECONDS}"
    return f"({known}) and on (name, threshold, severity) ({standing_now})"


def raised(over: str, label: str) -> str:
    """Return how many alerts were raised *over* a time, by *label*."""
    risen = f"({alerts()}) > bool ({alerts(STEP)})"
    return f"sum by ({label}) (sum_over_time(({risen})[{over}:{STEP}]))"


def stood(over: str, label: str) -> str:
    """Return for how long alerts stood in all *over* a time, by *label*."""
    return f"sum by ({label}) (sum_over_time(({alerts()})[{over}:{STEP}])) * {STEP_SECONDS}"


def share_of_time(metric: str) -> str:
    """Return a ratio of times in the window, cut to a tenth of a percent."""
    return f"floor({figure(metric, windowed=True)} * 1000 + 0.000001) / 1000"
