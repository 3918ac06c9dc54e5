SELECT intDiv(toUnixTimestamp(ts), {step_s:UInt32}) * {step_s:UInt32} * 1000 AS at_ms, avg(heart_rate_bpm) AS value
FROM v_telemetry_1s
WHERE member_id = {member_id:UInt64} AND session_id = {session_id:UUID} AND heart_rate_bpm IS NOT NULL
GROUP BY at_ms
ORDER BY at_ms
LIMIT 50000
