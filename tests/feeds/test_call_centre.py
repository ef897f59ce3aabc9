"""What can be simulated, and the centre that is built in."""

import pytest

from callmon.clock import SECOND
from callmon.feeds.call_centre import CallCentre, SimulatedQueue, demo_centre
from callmon.feeds.settings import LongWait


def test_a_script_for_an_unknown_queue_is_refused() -> None:
    """The message names the queues there are and the one that is not."""
    with pytest.raises(ValueError, match=r"expected queues out of q, found \['r'\]"):
        CallCentre(
            queues=(SimulatedQueue(name="q", agents=("x",), calls_per_hour=1),),
            long_waits=(LongWait(queue="r", after=0, wait=SECOND),),
        )


def test_two_queues_of_one_name_are_refused() -> None:
    """Names are keys."""
    queue = SimulatedQueue(name="q", agents=("x",), calls_per_hour=1)
    with pytest.raises(ValueError, match="expected different names"):
        CallCentre(queues=(queue, queue))


def test_the_demo_has_teams_who_help_each_other_out() -> None:
    """Every queue of the built-in centre shares agents with another."""
    queues = demo_centre().queues
    assert {"support", "sales", "billing", "vip", "投诉", "退换货"} == {q.name for q in queues}
    for queue in queues:
        others = {agent for other in queues if other != queue for agent in other.agents}
        assert others & set(queue.agents)
