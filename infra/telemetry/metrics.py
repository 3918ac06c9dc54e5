"""Every Prometheus metric, named once. What each means, and what an operator should look for, stands beside it."""

from prometheus_client import Counter, Gauge, Histogram

FAST_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)

# Doors: every event that arrives leaves by exactly one of accepted, doubled, rejected.
EVENTS_ACCEPTED = Counter("paceline_events_accepted", "Events that Kafka has acknowledged", ["door"])
EVENTS_DOUBLED = Counter(
    "paceline_events_doubled", "Events whose id had been accepted before; answered, not published again", ["door"]
)
EVENTS_REJECTED = Counter("paceline_events_rejected", "Events refused at a door, by reason", ["door", "reason"])
REQUESTS_REFUSED = Counter("paceline_requests_refused", "Requests refused as a whole, by reason", ["door", "reason"])
DEAD_LETTERS_SKIPPED = Counter(
    "paceline_dead_letters_skipped", "Refused events whose bytes were not kept because too many came at once", ["stage"]
)
PUBLISH_SECONDS = Histogram("paceline_publish_seconds", "From publishing to Kafka's acknowledgement", buckets=FAST_S)
PUBLISH_IN_FLIGHT = Gauge(
    "paceline_publish_in_flight", "Events published and not yet acknowledged; at its cap the door answers 503"
)
CLOCK_CORRECTED = Counter("paceline_clock_corrected", "Events whose time was set right because their device's clock is wrong")
CLOCKS_OFF = Gauge("paceline_clocks_off", "Devices whose times are being set right, counted once a minute; see notes")
STREAMS_OPEN = Gauge("paceline_streams_open", "Open WebSocket streams of hubs")

# Flows: read = kept + late + rejected + synthetic (+ outside: flow live leaves events outside any session to flow store).
FLOW_EVENTS = Counter(
    "paceline_flow_events", "Events by flow and exit (kept, late, rejected, outside, synthetic)", ["flow", "exit"]
)
FLOW_MESSAGES_EXPIRED = Counter(
    "paceline_flow_messages_expired",
    "Messages that retention deleted before the flow read them; must stay 0, else the flow was down too long",
    ["topic"],
)
FLOW_MESSAGES_REFUSED = Counter(
    "paceline_flow_messages_refused",
    "Messages of a flow that Kafka can never take (too large for their topic) and that were passed over; must stay 0",
    ["topic"],
)
MESSAGES_UNREADABLE = Counter(
    "paceline_messages_unreadable",
    "Messages of `directory` and `alerts` passed over because they make no sense; should stay 0, the log tells place and why",
    ["topic"],
)
FLOW_LAG_MESSAGES = Gauge(
    "paceline_flow_lag_messages", "Messages behind the log's end; growing means the flow is too slow", ["flow", "group"]
)
FLOW_LAG_SECONDS = Gauge("paceline_flow_lag_seconds", "Age of the newest event when it was processed", ["flow", "group"])
FLOW_BATCH_SECONDS = Histogram(
    "paceline_flow_batch_seconds", "Time one consumed batch spends inside the flow", ["flow"], buckets=FAST_S
)
FLOW_SNAPSHOT_SECONDS = Histogram(
    "paceline_flow_snapshot_seconds", "Duration of one checkpoint's snapshot", ["flow"], buckets=FAST_S
)
STORE_ROWS = Counter("paceline_store_rows", "Rows inserted into the warehouse", ["table"])
STORE_SECONDS = Histogram("paceline_store_seconds", "Duration of one warehouse insert", ["table"], buckets=FAST_S)
STORE_RETRIES = Counter("paceline_store_retries", "Inserts that had to be tried again", ["table"])
ALERTS_RAISED = Counter("paceline_alerts_raised", "Alerts raised, by rule", ["rule"])

# Push: published = delivered to each subscriber, coalesced (cache channels only) or behind a declared gap.
SOCKETS_OPEN = Gauge("paceline_sockets_open", "Open live WebSockets")
SOCKETS_OPENED = Counter("paceline_sockets_opened", "Live WebSockets accepted")
SOCKETS_REFUSED = Counter("paceline_sockets_refused", "Live WebSockets refused or cut, by close code", ["code"])
PUSHED = Counter("paceline_pushed", "Messages written to sockets, by kind", ["kind"])
COALESCED = Counter("paceline_coalesced", "Metrics updates that were merged into a later one for a slow connection")
GAPS = Counter("paceline_gaps", "Gaps declared to clients that fell off the ring; should stay 0")
PUSH_SECONDS = Histogram(
    "paceline_push_seconds", "From the door's receipt of the newest contained event to the socket", buckets=FAST_S
)
HUB_LAG_MESSAGES = Gauge(
    "paceline_hub_lag_messages",
    "Messages of live, alerts, app-events and live-messages that this API has yet to read",
    ["topic"],
)
HUB_UNREADABLE = Counter("paceline_hub_unreadable", "Messages that the hub could not decode; should stay 0", ["topic"])

# The synthetic member, which each API sends round: nobody's value, but everybody's way.
SYNTHETIC_SECONDS = Histogram(
    "paceline_synthetic_seconds", "From a synthetic value's sending to the gateway to its arrival in the hub", buckets=FAST_S
)
SYNTHETIC_MISSING = Gauge(
    "paceline_synthetic_missing", "1 while no synthetic value has come back for longer than allowed; /health says why"
)

# API
REQUEST_SECONDS = Histogram(
    "paceline_request_seconds", "Duration of REST requests", ["method", "route", "status"], buckets=FAST_S
)
LOGINS = Counter("paceline_logins", "Sign-ins, by outcome", ["outcome"])
OUTBOX_WAITING = Gauge("paceline_outbox_waiting", "Outbox rows not yet published")
OUTBOX_PUBLISHED = Counter("paceline_outbox_published", "Outbox rows published", ["topic"])
OUTBOX_REFUSED = Counter("paceline_outbox_refused", "Outbox rows that Kafka can never take; set aside, look at column `fault`")
REQUESTS_LIMITED = Counter("paceline_requests_limited", "REST requests answered 429, by limit", ["limit"])

# Supervisor
CHILD_STARTS = Counter(
    "paceline_child_starts", "Starts of each supervised process; more than 1 means it was restarted", ["child"]
)

# Embedded warehouse
WAREHOUSE_QUERIES = Counter("paceline_warehouse_queries", "Statements run, by user and kind (read, write)", ["user", "kind"])
WAREHOUSE_ERRORS = Counter("paceline_warehouse_errors", "Requests that ended with an exception, by its code", ["code"])
WAREHOUSE_SECONDS = Histogram(
    "paceline_warehouse_seconds", "From the end of the request's body to the end of its response", ["kind"], buckets=FAST_S
)
WAREHOUSE_ROWS_WRITTEN = Counter("paceline_warehouse_rows_written", "Rows that inserts have written")
WAREHOUSE_WAITING = Gauge(
    "paceline_warehouse_waiting", "Statements running or waiting; at the lane's bound it answers 503", ["lane"]
)
WAREHOUSE_ACTIVE_PARTS = Gauge(
    "paceline_warehouse_active_parts", "Parts that queries have to read; hundreds mean that inserts are too small"
)
