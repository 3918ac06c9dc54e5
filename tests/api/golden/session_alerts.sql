SELECT alert_id, class_id, member_id, member_name, rule, severity, state, message, suggested_action,
    metric, current, threshold,
    toUnixTimestamp64Milli(raised_at) AS raised_at_ms, toUnixTimestamp64Milli(updated_at) AS updated_at_ms,
    toUnixTimestamp64Milli(cleared_at) AS cleared_at_ms, toUnixTimestamp64Milli(acknowledged_at) AS acknowledged_at_ms,
    acknowledged_by, repeated, version
FROM v_alerts
WHERE session_id = {session_id:UUID}
ORDER BY raised_at DESC, alert_id
LIMIT {limit:UInt32}
