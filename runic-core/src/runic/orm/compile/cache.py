"""The cache of compiled texts: one per dialect, by the shape of the statement."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runic.orm.compile.compiler import Plan

__all__ = ["PlanCache"]


class PlanCache:
    """Plans by shape, the oldest dropped beyond ``size``.

    Lookups take no lock: a dict's own operations are atomic, and two threads that compile one shape at
    once make equal plans.
    """

    __slots__ = ("_plans", "get", "size")

    def __init__(self, size: int = 2048) -> None:
        self._plans: dict[Hashable, Plan] = {}
        self.size: int = size
        self.get: Callable[[Hashable], Plan | None] = self._plans.get

    def put(self, key: Hashable, plan: Plan) -> None:
        """Keep ``plan``."""
        plans = self._plans
        while len(plans) >= self.size:
            try:
                plans.pop(next(iter(plans)), None)
            except (StopIteration, RuntimeError):  # another thread dropped some meanwhile
                continue
        plans[key] = plan

    def __len__(self) -> int:
        return len(self._plans)
