CREATE TABLE member_minutes (
    session_id         UUID COMMENT 'session',
    class_id           UInt64 COMMENT 'class; 0 when none',
    member_id          UInt64 COMMENT 'member',
    minute             DateTime('UTC') COMMENT 'start of the minute, event time',
    heart_rate_avg_bpm Nullable(Float32) COMMENT 'mean heart rate of the seconds that have one',
    heart_rate_max_bpm Nullable(UInt8) COMMENT 'maximum heart rate',
    power_avg_watts    Nullable(Float32) COMMENT 'mean power',
    cadence_avg_rpm    Nullable(Float32) COMMENT 'mean cadence',
    speed_avg_mps      Nullable(Float32) COMMENT 'mean speed',
    intensity          Nullable(Float32) COMMENT 'intensity score 0 to 10 of this minute',
    zone_s             Array(Float32) COMMENT 'seconds in heart-rate zones 0 to 5',
    effort_points      Float32 COMMENT 'effort points of this minute',
    trimp              Float32 COMMENT 'Banister TRIMP of this minute',
    seconds_seen       UInt8 COMMENT 'seconds with any value',
    version            UInt64 COMMENT 'grows with every correction'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(minute)
ORDER BY (session_id, member_id, minute)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE alerts (
    alert_id         String COMMENT 'made of session, member, rule and the second that raised it',
    session_id       UUID COMMENT 'session',
    class_id         UInt64 COMMENT 'class; 0 when none',
    member_id        UInt64 COMMENT 'member; 0 when the alert concerns the class',
    member_name      String COMMENT 'name as the session knew it',
    rule             LowCardinality(String) COMMENT 'rule that raised it',
    severity         LowCardinality(String) COMMENT 'info, warning, critical',
    state            LowCardinality(String) COMMENT 'active, cleared',
    message          String COMMENT 'sentence for the trainer',
    suggested_action String COMMENT 'what to do',
    metric           LowCardinality(String) COMMENT 'column the rule looks at',
    current          Nullable(Float64) COMMENT 'value when raised',
    threshold        Nullable(Float64) COMMENT 'bound that was crossed',
    raised_at        DateTime64(3, 'UTC') COMMENT 'event time',
    updated_at       DateTime64(3, 'UTC') COMMENT 'event time of this version',
    cleared_at       Nullable(DateTime64(3, 'UTC')) COMMENT 'when it was over',
    acknowledged_at  Nullable(DateTime64(3, 'UTC')) COMMENT 'when somebody acknowledged it',
    acknowledged_by  String COMMENT 'who acknowledged it',
    repeated         UInt16 COMMENT 'repetitions for want of acknowledgement',
    version          UInt64 COMMENT 'newest wins'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(raised_at)
ORDER BY (session_id, raised_at, alert_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE member_summaries (
    session_id            UUID COMMENT 'session',
    class_id              UInt64 COMMENT 'class; 0 when none',
    member_id             UInt64 COMMENT 'member',
    member_name           String COMMENT 'name as the session knew it',
    attended              Bool COMMENT 'a value or a check-in is known',
    heart_rate_avg_bpm    Nullable(Float64) COMMENT 'mean heart rate',
    heart_rate_max_bpm    Nullable(UInt8) COMMENT 'maximum heart rate',
    zone_s                Array(Float64) COMMENT 'seconds in heart-rate zones 0 to 5',
    intensity             Nullable(Float64) COMMENT 'intensity score 0 to 10',
    effort_points         Float64 COMMENT 'effort points',
    trimp                 Nullable(Float64) COMMENT 'Banister TRIMP',
    energy_kcal           Nullable(Float64) COMMENT 'energy',
    power_avg_watts       Nullable(Float64) COMMENT 'mean power',
    power_max_watts       Nullable(UInt16) COMMENT 'maximum power',
    normalized_power_watts Nullable(Float64) COMMENT 'normalized power',
    cadence_avg_rpm       Nullable(Float64) COMMENT 'mean cadence',
    speed_avg_mps         Nullable(Float64) COMMENT 'mean speed',
    distance_m            Nullable(Float64) COMMENT 'distance',
    rmssd_ms              Nullable(Float64) COMMENT 'RMSSD over the session, artefacts removed',
    seconds_seen          UInt32 COMMENT 'seconds with any value',
    first_value_at        Nullable(DateTime64(3, 'UTC')) COMMENT 'first value',
    last_value_at         Nullable(DateTime64(3, 'UTC')) COMMENT 'last value',
    alerts                UInt32 COMMENT 'alerts raised about this member',
    revision              UInt32 COMMENT '1 at the end of the class, more after each correction',
    computed_from         LowCardinality(String) COMMENT 'live or telemetry_raw'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY (session_id, member_id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE class_summaries (
    session_id        UUID COMMENT 'session',
    class_id          UInt64 COMMENT 'class; 0 when none',
    class_name        String COMMENT 'name of the class',
    class_type        LowCardinality(String) COMMENT 'type of the class',
    trainer_id        UInt64 COMMENT 'trainer; 0 when none',
    started_at        DateTime64(3, 'UTC') COMMENT 'start',
    ended_at          DateTime64(3, 'UTC') COMMENT 'end',
    expected          UInt32 COMMENT 'members on the roster',
    attended          UInt32 COMMENT 'members who came',
    average_intensity Nullable(Float64) COMMENT 'mean of the members intensity, 0 to 10',
    intensity_low     UInt32 COMMENT 'members below 4',
    intensity_medium  UInt32 COMMENT 'members from 4 to below 7',
    intensity_high    UInt32 COMMENT 'members from 7',
    alerts            UInt32 COMMENT 'alerts raised',
    summary           String COMMENT 'the whole summary as JSON: highlights, improvement areas, achievements' CODEC(ZSTD(3)),
    late_events       UInt64 COMMENT 'events that came too late for the live totals and are contained now',
    revision          UInt32 COMMENT '1 at the end of the class, more after each correction',
    computed_from     LowCardinality(String) COMMENT 'live or telemetry_raw'
)
ENGINE = ReplacingMergeTree(revision)
ORDER BY session_id
SETTINGS non_replicated_deduplication_window = 10000;

-- Every revision that was ever shown, so that a correction can be explained.
CREATE TABLE summary_corrections (
    session_id   UUID COMMENT 'session',
    revision     UInt32 COMMENT 'revision that this correction made',
    late_events  UInt64 COMMENT 'late events contained from now on',
    reason       String COMMENT 'why it was corrected',
    before       String COMMENT 'summary before, JSON' CODEC(ZSTD(3)),
    after        String COMMENT 'summary after, JSON' CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY (session_id, revision)
SETTINGS non_replicated_deduplication_window = 10000;
