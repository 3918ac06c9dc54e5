SELECT (toUnixTimestamp(minute) + 60) * 1000 AS at_ms, avg(intensity) AS value
FROM v_member_minutes
WHERE session_id = {session_id:UUID} AND intensity IS NOT NULL
GROUP BY minute
HAVING count() >= {members_min:UInt32}
ORDER BY minute
