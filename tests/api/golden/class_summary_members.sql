SELECT member_id, member_name, attended, heart_rate_avg_bpm, heart_rate_max_bpm, zone_s,
    intensity, effort_points, trimp, energy_kcal,
    power_avg_watts, power_max_watts, normalized_power_watts, cadence_avg_rpm, speed_avg_mps, distance_m, rmssd_ms,
    seconds_seen, toUnixTimestamp64Milli(first_value_at) AS first_value_at_ms,
    toUnixTimestamp64Milli(last_value_at) AS last_value_at_ms, alerts
FROM v_member_summaries
WHERE session_id = {session_id:UUID}
ORDER BY member_name, member_id
