-- What power does a member ride at which heart rate, month by month (more at the same heart rate: fitter)?
SELECT
    toStartOfMonth(ts) AS month,
    intDiv(heart_rate_bpm, 10) * 10 AS from_bpm,
    count() AS seconds,
    round(avg(power_watts), 1) AS avg_power_watts,
    round(avg(cadence_rpm), 1) AS avg_cadence_rpm
FROM v_telemetry_1s
WHERE member_id = {member_id:UInt64} AND heart_rate_bpm IS NOT NULL AND power_watts IS NOT NULL
GROUP BY month, from_bpm
HAVING seconds >= 60
ORDER BY month, from_bpm
