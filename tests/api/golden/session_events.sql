SELECT event_id, body
FROM v_app_events
WHERE session_id = {session_id:UUID}
ORDER BY ts, event_id
LIMIT {limit:UInt32}
