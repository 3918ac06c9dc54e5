-- How often was each rule's alert raised in a month, how long did it last, and how soon did somebody acknowledge it?
SELECT
    rule,
    severity,
    count() AS alerts,
    uniqExact(member_id) AS members,
    round(100 * countIf(acknowledged_at IS NOT NULL) / count(), 0) AS acknowledged_percent,
    round(quantile(0.5)(dateDiff('second', raised_at, acknowledged_at)), 0) AS acknowledged_after_s,
    round(quantile(0.5)(dateDiff('second', raised_at, cleared_at)), 0) AS lasted_s
FROM v_alerts
WHERE raised_at >= {month:Date} AND raised_at < {month:Date} + INTERVAL 1 MONTH
GROUP BY rule, severity
ORDER BY alerts DESC
