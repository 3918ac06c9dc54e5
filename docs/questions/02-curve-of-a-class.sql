-- How hard was a class minute by minute, and how far apart were its members?
SELECT
    minute,
    count() AS members,
    round(avg(heart_rate_avg_bpm), 1) AS heart_rate_bpm,
    round(stddevPop(heart_rate_avg_bpm), 1) AS spread_bpm,
    round(avg(intensity), 2) AS intensity
FROM v_member_minutes
WHERE session_id = {session_id:UUID}
GROUP BY minute
ORDER BY minute
