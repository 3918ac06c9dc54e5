"""Starts, watches, restarts and stops the processes of one home; no process outlives its supervisor."""

from infra.supervisor.child import Child, Port, Stage
from infra.supervisor.child_run import ChildState, Patience
from infra.supervisor.supervise import Supervisor

__all__ = ["Child", "ChildState", "Patience", "Port", "Stage", "Supervisor"]
