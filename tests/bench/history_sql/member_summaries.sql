INSERT INTO member_summaries
SELECT
    session_id, any(class_id), member_id, concat('Member ', toString(member_id)), true, avg(heart_rate_avg_bpm), max(heart_rate_max_bpm),
    sumForEach(zone_s), avg(intensity), sum(effort_points), sum(trimp), 400, avg(power_avg_watts), max(toUInt16(power_avg_watts)),
    avg(power_avg_watts), avg(cadence_avg_rpm), NULL, NULL, NULL, sum(seconds_seen), min(minute), max(minute), 1, 1, 'live'
FROM member_minutes
GROUP BY session_id, member_id
