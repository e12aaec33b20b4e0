"""Plan: what will be done, to whom, when, and how it is undone; or why it will not be."""

from chaosmem.plan.build import Inventory, make_plan
from chaosmem.plan.model import Plan, PlannedTarget, PlannedTrial

__all__ = ["Inventory", "Plan", "PlannedTarget", "PlannedTrial", "make_plan"]
