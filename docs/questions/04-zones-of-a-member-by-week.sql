-- How did a member's time in heart-rate zones develop, in minutes a week?
SELECT
    toMonday(minute) AS week,
    arrayMap(seconds -> round(seconds / 60, 1), sumForEach(zone_s)) AS minutes_in_zones_0_to_5,
    round(sum(trimp), 1) AS trimp
FROM v_member_minutes
WHERE member_id = {member_id:UInt64}
GROUP BY week
ORDER BY week
