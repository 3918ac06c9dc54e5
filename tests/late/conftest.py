"""The gateway of the ingest tests and the flows of the flow tests serve these too."""

from tests.ingest.conftest import gateway
from tests.pipelines.flows.conftest import flow_settings, live, stage, store

__all__ = ["flow_settings", "gateway", "live", "stage", "store"]
