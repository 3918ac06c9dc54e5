-- What was each member's best mean power over twenty minutes in a month (95 % of it estimates FTP), and when?
WITH twenty AS (
    SELECT
        member_id,
        minute,
        avg(power_avg_watts) OVER last_twenty AS power_watts,
        count() OVER last_twenty AS minutes
    FROM v_member_minutes
    WHERE minute >= {month:Date} AND minute < {month:Date} + INTERVAL 1 MONTH AND power_avg_watts IS NOT NULL
    WINDOW last_twenty AS (
        PARTITION BY session_id, member_id ORDER BY toUnixTimestamp(minute) RANGE BETWEEN 1140 PRECEDING AND CURRENT ROW
    )
)
SELECT
    member_id,
    round(max(power_watts), 0) AS best_20_min_watts,
    round(0.95 * best_20_min_watts, 0) AS ftp_watts,
    argMax(minute, power_watts) AS at
FROM twenty
WHERE minutes = 20
GROUP BY member_id
ORDER BY best_20_min_watts DESC
LIMIT 100
