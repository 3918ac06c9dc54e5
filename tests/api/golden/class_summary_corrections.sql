SELECT revision, late_events, reason
FROM v_summary_corrections
WHERE session_id = {session_id:UUID}
ORDER BY revision
