-- A member's days: what each asked for, and what the days before it have built up.
CREATE TABLE member_daily (
    member_id     UInt64 COMMENT 'member',
    day           Date COMMENT 'day in UTC, by the end of its sessions',
    sessions      UInt16 COMMENT 'sessions attended on this day, 0 on a rest day',
    load          Float64 COMMENT 'training load of the day: sum of Banister TRIMP',
    effort_points Float64 COMMENT 'effort points of the day',
    seconds_seen  UInt32 COMMENT 'seconds with any value',
    fitness       Float64 COMMENT 'chronic load (CTL) at the end of the day: exponential mean of the load over 42 days',
    fatigue       Float64 COMMENT 'acute load (ATL) at the end of the day: exponential mean of the load over 7 days',
    form          Float64 COMMENT 'fitness less fatigue as the day began (TSB)',
    history_days  UInt32 COMMENT 'days of history that these rest on, this one included: below 42 they are too low',
    version       UInt64 COMMENT 'when it was computed, milliseconds since 1970: the newest wins'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(day)
ORDER BY (member_id, day)
SETTINGS non_replicated_deduplication_window = 10000;
CREATE VIEW v_member_daily AS SELECT * FROM member_daily FINAL;
