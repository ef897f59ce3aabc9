"""Tests of all sources together: open visits, blindness, agents, and names that change."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from callmon.clock import Micros
from callmon.contacts import ContactBook
from callmon.directory import Directory, EngineSettings
from callmon.events import ContactAnswered, ContactJoined, FeedChanged, Outcome
from callmon.queues import GroupSettings, QueueSettings, SubjectState
from callmon.routes import Route, SourceState
from callmon.rules import SubjectKind
from callmon.sources import follow_names, look_around, oldest_open, unroute
from callmon.subjects import Subjects
from tests.sites import outcomes, settings_with
from tests.stories import BASE


@dataclasses.dataclass
class Site:
    """Sources and subjects as the engine has them, without the engine."""

    settings: EngineSettings
    sources: dict[str, SourceState] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the subjects."""
        self.subjects = Subjects(self.settings, SubjectState, {}, lambda _: None)

    def feed(self, source: str, feed: str, *, up: bool, agents: bool = False) -> None:
        """Have a feed of *source* see, or be blind."""
        state = self._source(source)
        state.feed_changed(FeedChanged(BASE, source, 0, feed, up, agents=agents))

    def route(self, source: str, spelled: str) -> Route:
        """Return the way of a name of *source*, made if need be."""
        state = self._source(source)
        name = self.subjects.directory.queue_named(source, spelled)
        if name not in state.queues:
            queue = self.subjects.get(SubjectKind.QUEUE, name)
            assert queue is not None
            states = self.subjects.of_queue(queue)
            state.queues[name] = Route(state.source, states, None, lambda _: None)
        return state.routes.setdefault(spelled, state.queues[name])

    def _source(self, name: str) -> SourceState:
        return self.sources.setdefault(name, SourceState(name, live=False))

    def join(self, at: Micros, contact: str, spelled: str, source: str = "pbx") -> ContactBook:
        """Have *contact* join a queue; return the queue's book."""
        book = self.route(source, spelled).book
        assert isinstance(book, ContactBook)
        book.joined(ContactJoined(BASE + at, source, at, spelled, contact))
        return book

    def look(self) -> bool:
        """Find out who is blind; tell whether anybody's agents became known, or not."""
        ways: list[Route] = []
        look_around(self.sources, self.subjects, BASE, ways.append)
        return bool(ways)

    def blind(self) -> set[str]:
        """Return which subjects are."""
        return {state.subject.name for state in self.subjects.ordered() if state.blind}

    def knowing(self) -> set[str]:
        """Return the subjects whose agents are known."""
        return {s.subject.name for s in self.subjects.ordered() if s.agents.known}

    def queue(self, name: str) -> SubjectState:
        """Return a queue."""
        return self.subjects.states[SubjectKind.QUEUE, name]


NOBODY = SourceState("nobody", live=False)


# ---- open visits -----------------------------------------------------------------------


def test_the_oldest_open_visit_is_that_of_any_source() -> None:
    """The day it began is as far back as a source may still have to say something."""
    site = Site(settings_with(sources=("east", "west")))
    assert None is oldest_open(site.sources)

    site.join(7, "a", "sales", "east")
    book = site.join(5, "b", "support", "west")
    assert BASE + 5 == oldest_open(site.sources)
    book.answered(ContactAnswered(BASE + 8, "west", 8, "support", "b", 3, "agent"))

    assert BASE + 5 == oldest_open(site.sources)  # a talk is open, too


# ---- seeing ----------------------------------------------------------------------------


def test_a_queue_is_as_blind_as_one_source_that_tells_of_it() -> None:
    """Half of what happens there is no figure; a source of other queues does not matter."""
    site = Site(settings_with(sources=("east", "west")))
    for source, spelled in (("east", "sales"), ("west", "sales"), ("west", "support")):
        site.route(source, spelled)
        site.feed(source, "log", up=True)

    site.feed("east", "log", up=False)
    site.look()

    assert {"sales", "everyone"} == site.blind()


def test_one_feed_of_a_source_that_is_up_sees() -> None:
    """The other one, which is down, is told of elsewhere."""
    site = Site(settings_with())
    site.route("pbx", "sales")
    site.feed("pbx", "log", up=False)
    site.feed("pbx", "ami", up=True)

    site.look()

    assert set() == site.blind()


def test_a_queue_nobody_has_spoken_of_is_blind_with_all_sources() -> None:
    """It may belong to any of them; without a source nothing is blind."""
    site = Site(settings_with(sources=("east", "west")))
    site.look()
    assert set() == site.blind()

    site.feed("east", "log", up=False)
    site.feed("west", "log", up=True)
    site.look()
    assert set() == site.blind()
    site.feed("west", "log", up=False)
    site.look()

    assert {"sales", "support", "everyone"} == site.blind()


def test_a_queue_of_a_configured_source_is_blind_with_it_though_nobody_has_spoken() -> None:
    """Since the start nothing is heard of it: that nobody waits there is not known."""
    queues = (
        QueueSettings(name="sales", origins=(("east", "100"),)),
        QueueSettings(name="support", origins=(("west", "200"), ("*", "support"))),
    )
    groups = (GroupSettings(name="everyone", queues=("*",)),)
    settings = settings_with(sources=("east", "west"), queues=queues, groups=groups)
    site = Site(settings)
    site.feed("east", "log", up=False)
    site.feed("west", "log", up=True)

    site.look()

    assert {"sales", "everyone"} == site.blind()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("east", "west")), st.sampled_from(("sales", "support", "up", "down"))
    ),
    max_size=8,
)


@given(STEPS, st.booleans())
def test_a_look_at_a_new_queue_finds_what_a_look_at_all_finds(
    steps: list[tuple[str, str]], agents: bool
) -> None:
    """Who is blind and whose agents are known: nothing else can have changed by it.

    A source of which nobody knew is another thing: it may be that of any other queue.
    """
    sites = [Site(settings_with(sources=("east", "west"))) for _ in range(2)]
    for source, step in steps:
        known = [step in site.sources.get(source, NOBODY).queues for site in sites]
        ways: list[list[Route]] = []
        for site in sites:
            if step in ("up", "down"):
                site.feed(source, "ami", up=step == "up", agents=agents)
                site.look()
                continue
            route = site.route(source, step)
            if known[0]:
                continue
            ways.append([])
            others = site is sites[0] and len(site.sources[source].queues) > 1
            new = route if others else None
            look_around(site.sources, site.subjects, BASE, ways[-1].append, new)
        assert len({frozenset(site.blind()) for site in sites}) == 1
        assert len({frozenset(site.knowing()) for site in sites}) == 1
        assert len({len(found) for found in ways}) <= 1


def test_who_turns_blind_is_rendered_anew() -> None:
    """A page that is kept until its queue changes would go on showing a blind one's figures."""
    site = Site(settings_with())
    site.route("pbx", "sales")
    site.feed("pbx", "log", up=False)
    before = site.queue("sales").version

    site.look()
    turned = site.queue("sales").version
    site.look()

    assert before != turned
    assert turned == site.queue("sales").version


# ---- agents ----------------------------------------------------------------------------


def test_agents_are_known_where_every_source_tells_of_them() -> None:
    """Of a queue of two sources one alone cannot say how many agents it has."""
    site = Site(settings_with(sources=("east", "west")))
    for source, spelled in (("east", "sales"), ("east", "support"), ("west", "support")):
        site.route(source, spelled)
    site.feed("east", "ami", up=True, agents=True)
    site.feed("west", "log", up=True)

    assert site.look()
    assert {"sales"} == site.knowing()
    assert not site.look()
    site.feed("west", "ami", up=True, agents=True)
    assert site.look()
    assert {"sales", "support", "everyone"} == site.knowing()
    site.feed("east", "ami", up=False, agents=True)

    assert site.look()
    assert set() == site.knowing()


# ---- names -----------------------------------------------------------------------------


def vip(*origins: tuple[str, str]) -> QueueSettings:
    """Return a queue that is found under *origins*."""
    return QueueSettings(name="vip", origins=origins)


def test_a_queue_follows_its_name() -> None:
    """All spellings lead to the new name: the same state goes on under it, routes and all."""
    site = Site(EngineSettings(sources=("pbx",)))
    site.join(0, "a", "Sales")
    site.route("pbx", "SALES")
    state, route = site.queue("sales"), site.sources["pbx"].queues["sales"]
    directory = Directory(EngineSettings(sources=("pbx",), queues=(vip(("pbx", "sales")),)))

    renamed = follow_names(site.sources, site.subjects, directory, BASE)

    assert {"sales": "vip"} == renamed
    assert state is site.queue("vip")
    assert {"vip": route} == site.sources["pbx"].queues


def test_a_queue_that_two_sources_tell_of_keeps_its_name() -> None:
    """The new name is that of one of them: what both have told cannot be taken apart."""
    sources = ("east", "west")
    both = QueueSettings(name="sales")
    site = Site(EngineSettings(sources=sources, queues=(both,)))
    for source in sources:
        site.join(0, "a", "sales", source)
    directory = Directory(EngineSettings(sources=sources, queues=(vip(("east", "sales")),)))

    assert {} == follow_names(site.sources, site.subjects, directory, BASE)
    assert ["sales"] == [s.subject.name for s in site.subjects.ordered()]


def test_a_queue_whose_spellings_part_keeps_its_name() -> None:
    """Each of the two new queues would have a claim to what has been."""
    one = QueueSettings(name="service", origins=(("*", "401"), ("*", "402")))
    site = Site(EngineSettings(sources=("pbx",), queues=(one,)))
    site.join(0, "a", "401")
    site.join(0, "b", "402")
    directory = Directory(EngineSettings(sources=("pbx",)))

    assert {} == follow_names(site.sources, site.subjects, directory, BASE)
    assert {"service"} == set(site.sources["pbx"].queues)


def test_a_queue_is_not_renamed_into_one_that_has_had_calls() -> None:
    """Two queues that become one are no renamed queue: ``unroute`` has to part with one."""
    site = Site(EngineSettings(sources=("pbx",)))
    site.join(0, "a", "sales")
    site.join(0, "b", "vip")
    directory = Directory(
        EngineSettings(sources=("pbx",), queues=(vip(("*", "sales"), ("*", "vip")),))
    )

    assert {} == follow_names(site.sources, site.subjects, directory, BASE)
    assert {"sales", "vip"} == set(site.sources["pbx"].queues)


def test_a_queue_without_a_call_stays_where_its_name_leads() -> None:
    """A source has spoken of it, and nothing came of that: it is there all the same."""
    site = Site(EngineSettings(sources=("pbx",)))
    site.route("pbx", "sales")
    directory = Directory(EngineSettings(sources=("pbx",)))

    assert {} == follow_names(site.sources, site.subjects, directory, BASE)
    assert {"sales"} == set(site.sources["pbx"].queues)


def test_names_that_lead_elsewhere_are_closed() -> None:
    """Who waits is lost to the former queue, and the next word of the name opens a new way."""
    site = Site(EngineSettings(sources=("pbx",)))
    site.join(0, "a", "sales")
    site.join(0, "b", "support")
    kept = site.sources["pbx"].queues["support"]
    directory = Directory(
        EngineSettings(sources=("pbx",), queues=(vip(("*", "sales"), ("*", "vip")),))
    )

    unroute(site.sources, directory, BASE + 4)

    assert ({"lost": 1}, []) == (outcomes(site.queue("sales")), site.queue("sales").starts)
    assert {"support": kept} == site.sources["pbx"].queues
    assert {"support": kept} == site.sources["pbx"].routes
    assert [BASE] == site.queue("support").starts


def test_where_all_names_lead_as_before_nothing_is_closed() -> None:
    """A reload of the same names loses nobody."""
    site = Site(EngineSettings(sources=("pbx",)))
    site.join(0, "a", "Sales")

    unroute(site.sources, Directory(EngineSettings(sources=("pbx",))), BASE + 4)

    assert (0, [BASE]) == (
        site.queue("sales").outcome_total(Outcome.LOST),
        site.queue("sales").starts,
    )
