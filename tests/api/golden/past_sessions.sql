SELECT toString(session_id) AS id, expected, attended, average_intensity, alerts
FROM v_class_summaries
WHERE session_id IN {session_ids:Array(UUID)}
