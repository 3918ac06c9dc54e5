"""Whether Kafka answers, for those who are asked whether they are ready."""

from confluent_kafka import KafkaException

from infra.kafka import open_admin
from infra.settings import Settings

PATIENCE_S = 2.0


class KafkaAnswers:
    """Asks the cluster at each call, over a connection of its own; any thread may call."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.kafka_address
        self._admin = open_admin(settings)

    def why_not(self) -> str:
        """Why not, in words; empty when it does."""
        try:
            self._admin.list_topics(timeout=PATIENCE_S)
        except KafkaException:
            return f"Kafka at {self._address} does not answer"
        return ""
