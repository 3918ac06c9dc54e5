INSERT INTO member_minutes
SELECT
    session_id, any(class_id), member_id, toStartOfMinute(ts) AS minute,
    avg(heart_rate_bpm), max(heart_rate_bpm), avg(power_watts), avg(cadence_rpm), NULL,
    greatest(0, least(10, (avg(heart_rate_bpm) - 60) / 12)),
    [countIf(heart_rate_bpm < 95), countIf(heart_rate_bpm BETWEEN 95 AND 113), countIf(heart_rate_bpm BETWEEN 114 AND 132),
     countIf(heart_rate_bpm BETWEEN 133 AND 151), countIf(heart_rate_bpm BETWEEN 152 AND 170), countIf(heart_rate_bpm > 170)],
    avg(heart_rate_bpm) / 60, avg(heart_rate_bpm) / 80, toUInt8(count()), 1
FROM telemetry_1s
WHERE toYYYYMM(ts) = {month:UInt32}
GROUP BY session_id, member_id, minute
