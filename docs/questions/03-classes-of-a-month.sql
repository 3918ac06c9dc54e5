-- Which classes were hardest in a month: members, mean heart rate, 95th percentile of a minute's power, effort points?
SELECT
    class_id,
    uniqExact(session_id) AS sessions,
    uniqExact(member_id) AS members,
    round(sum(heart_rate_avg_bpm * seconds_seen) / sum(if(heart_rate_avg_bpm IS NULL, 0, seconds_seen)), 1) AS heart_rate_bpm,
    round(quantile(0.95)(power_avg_watts), 0) AS power_p95_watts,
    round(sum(effort_points) / uniqExact(member_id, session_id), 1) AS effort_points_a_visit
FROM v_member_minutes
WHERE minute >= {month:Date} AND minute < {month:Date} + INTERVAL 1 MONTH
GROUP BY class_id
ORDER BY effort_points_a_visit DESC
