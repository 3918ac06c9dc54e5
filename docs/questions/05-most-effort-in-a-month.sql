-- Who collected the most effort points in a month?
SELECT
    member_id,
    any(member_name) AS name,
    count() AS sessions,
    round(sum(effort_points), 0) AS effort_points,
    round(avg(intensity), 1) AS intensity
FROM v_member_summaries
WHERE attended AND first_value_at >= {month:Date} AND first_value_at < {month:Date} + INTERVAL 1 MONTH
GROUP BY member_id
ORDER BY effort_points DESC, member_id
LIMIT 20
