-- At which weekday and hour do people come, and how hard do they train then?
SELECT
    toDayOfWeek(started_at) AS weekday,
    toHour(started_at) AS hour,
    count() AS classes,
    round(avg(attended), 1) AS members,
    round(100 * sum(attended) / sum(expected), 0) AS attendance_percent,
    round(avg(average_intensity), 1) AS intensity
FROM v_class_summaries
GROUP BY weekday, hour
ORDER BY weekday, hour
