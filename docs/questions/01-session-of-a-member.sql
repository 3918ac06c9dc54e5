-- How did heart rate, power and cadence of a member run through a class, in steps of 10 seconds?
SELECT
    toStartOfInterval(ts, INTERVAL 10 SECOND) AS at,
    round(avg(heart_rate_bpm), 1) AS heart_rate_bpm,
    round(avg(power_watts), 1) AS power_watts,
    round(avg(cadence_rpm), 1) AS cadence_rpm
FROM v_telemetry_1s
WHERE member_id = {member_id:UInt64} AND session_id = {session_id:UUID}
GROUP BY at
ORDER BY at
