"""A person has delivered what is merged by now: beside a run that goes on, or after its end."""

from parallel_orchestra.conductor.byhand.desk import workshop
from parallel_orchestra.conductor.handover import Handover, event_of
from parallel_orchestra.config import Settings
from parallel_orchestra.model import Deliver
from parallel_orchestra.progress import Delivery
from parallel_orchestra.store import Layout


def deliver_run(layout: Layout, settings: Settings, *, by_request: bool | None) -> Delivery:
    """Delivers into the user's branch or `by_request`, a pull request; None: as the plan says.

    Who calls this means it, also where the plan says that nothing is delivered.

    Raises:
        EnvironmentProblem: there is no run, or its repository is gone.
        WaitsForPerson: the integration branch was changed from outside.
    """
    with workshop(layout, settings) as shop:
        handover = Handover(shop.job.repo, shop.queue, shop.job.run, layout, settings.environ)
        if by_request is None:
            by_request = handover.way is Deliver.PR
        delivery = handover.hand(Deliver.PR if by_request else Deliver.END)
        shop.journal.write(event_of(delivery, shop.clock.now()))
        return delivery
