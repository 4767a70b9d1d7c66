"""Plans that were shown: what was shown is what is done, and it is done once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from cbir.core.errors import CbirError
from cbir.duplicates.actions.plan_model import Plan
from cbir.web.jobs import Job

_KEPT = 32
"""Plans that are remembered."""


class PlanGoneError(CbirError):
    """There is no such plan any more."""


@dataclass
class ShownPlan:
    """A plan that was shown.

    Attributes
    ----------
    token : str
        Names it by all that is in it.
    plan : Plan
    job : Job or None
        What carries it out.
    """

    token: str
    plan: Plan
    job: Job | None = None


class ShownPlans:
    """The plans that were shown last; threads may share it."""

    def __init__(self) -> None:
        self._plans: OrderedDict[str, ShownPlan] = OrderedDict()
        self._lock = threading.Lock()

    def show(self, plan: Plan) -> ShownPlan:
        """Remember a plan."""
        token = hashlib.sha256(repr(plan).encode("utf-8", "backslashreplace")).hexdigest()
        shown = ShownPlan(token, plan)
        with self._lock:
            self._plans.pop(token, None)
            self._plans[token] = shown
            while len(self._plans) > _KEPT:
                self._plans.popitem(last=False)
        return shown

    def act(self, token: str, start: Callable[[Plan], Job]) -> Job:
        """Start what carries a plan out; of one that was started already, return the job.

        Raises
        ------
        PlanGoneError
            When there is no such plan.
        """
        with self._lock:
            shown = self._plans.get(token)
            if shown is None:
                raise PlanGoneError("this plan is not remembered any more; plan again")
            if shown.job is None:
                shown.job = start(shown.plan)
            return shown.job
