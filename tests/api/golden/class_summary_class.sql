SELECT class_id, class_name, class_type, trainer_id,
    toUnixTimestamp64Milli(started_at) AS started_at_ms, toUnixTimestamp64Milli(ended_at) AS ended_at_ms,
    expected, attended, average_intensity, alerts, summary, late_events, revision, computed_from
FROM v_class_summaries
WHERE session_id = {session_id:UUID}
