SELECT 1 AS known
FROM v_alerts
WHERE session_id = {session_id:UUID} AND alert_id = {alert_id:String}
LIMIT 1
