-- Everything as it came, one row a value, for 30 days: the truth that totals are recomputed from.
CREATE TABLE telemetry_raw (
    member_id   UInt64 COMMENT 'member' CODEC(ZSTD(1)),
    session_id  UUID COMMENT 'session; all zeros outside any session' CODEC(ZSTD(1)),
    metric      LowCardinality(String) COMMENT 'heart_rate_bpm, rr_ms, power_watts, cadence_rpm, speed_mps, distance_m, latitude_deg, longitude_deg, altitude_m, step_count, energy_kcal',
    ts          DateTime64(3, 'UTC') COMMENT 'event time' CODEC(DoubleDelta, ZSTD(1)),
    device      LowCardinality(String) COMMENT 'device id',
    seq         UInt8 DEFAULT 0 COMMENT 'position within the event (RR intervals come several at a time)',
    value       Float64 COMMENT 'value in the unit that the metric names' CODEC(ZSTD(1)),
    source      LowCardinality(String) COMMENT 'data source',
    received_at DateTime64(3, 'UTC') COMMENT 'when the door received it' CODEC(DoubleDelta, ZSTD(1)),
    INDEX i_session session_id TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree(received_at)
PARTITION BY toYYYYMM(ts)
ORDER BY (member_id, session_id, metric, ts, device, seq)
TTL toDateTime(ts) + INTERVAL 30 DAY
SETTINGS non_replicated_deduplication_window = 10000;

-- One row a member-second; strap and power meter write their own columns and merges unite them.
CREATE TABLE telemetry_1s (
    member_id      UInt64 COMMENT 'member' CODEC(ZSTD(1)),
    session_id     UUID COMMENT 'session; all zeros outside any session' CODEC(ZSTD(1)),
    class_id       UInt64 COMMENT 'class; 0 outside any class' CODEC(ZSTD(1)),
    ts             DateTime('UTC') COMMENT 'event time, whole second' CODEC(DoubleDelta, ZSTD(1)),
    heart_rate_bpm Nullable(UInt8) COMMENT 'heart rate' CODEC(Delta, ZSTD(1)),
    power_watts    Nullable(UInt16) COMMENT 'power' CODEC(ZSTD(1)),
    cadence_rpm    Nullable(Float32) COMMENT 'cadence' CODEC(ZSTD(1)),
    speed_mps      Nullable(Float32) COMMENT 'speed' CODEC(ZSTD(1)),
    distance_m     Nullable(Float32) COMMENT 'distance since the start' CODEC(ZSTD(1)),
    altitude_m     Nullable(Float32) COMMENT 'altitude' CODEC(ZSTD(1)),
    device         LowCardinality(String) COMMENT 'a device that contributed',
    source         LowCardinality(String) COMMENT 'a data source that contributed',
    INDEX i_ts ts TYPE minmax GRANULARITY 1,
    INDEX i_class class_id TYPE set(32) GRANULARITY 1,
    INDEX i_session session_id TYPE bloom_filter GRANULARITY 4
)
ENGINE = CoalescingMergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (member_id, session_id, ts)
TTL ts + INTERVAL 24 MONTH
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE app_events (
    event_id    String COMMENT 'event id',
    session_id  UUID COMMENT 'session',
    class_id    UInt64 COMMENT 'class; 0 when none',
    member_id   UInt64 COMMENT 'member concerned; 0 when none',
    actor_id    UInt64 COMMENT 'user who did it; 0 for the system',
    type        LowCardinality(String) COMMENT 'event type',
    ts          DateTime64(3, 'UTC') COMMENT 'event time',
    received_at DateTime64(3, 'UTC') COMMENT 'when it was received',
    body        String COMMENT 'the whole event as JSON' CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(received_at)
PARTITION BY toYYYYMM(ts)
ORDER BY (session_id, ts, event_id)
SETTINGS non_replicated_deduplication_window = 10000;
