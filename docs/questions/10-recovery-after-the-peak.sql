-- How fast did hearts recover in a class: each member's highest heart rate and the drop one minute after it?
WITH seconds AS (
    SELECT member_id, ts, heart_rate_bpm
    FROM v_telemetry_1s
    -- seconds lie by member: with the members named, only theirs are read
    INNER JOIN (
        SELECT member_id, heart_rate_max_bpm FROM v_member_summaries WHERE session_id = {session_id:UUID}
    ) AS summaries USING (member_id)
    WHERE session_id = {session_id:UUID}
        AND member_id IN (SELECT member_id FROM v_member_summaries WHERE session_id = {session_id:UUID})
        -- the summary's maximum leaves out what a slipped strap made up
        AND heart_rate_bpm <= heart_rate_max_bpm
),
peaks AS (
    SELECT member_id, max(heart_rate_bpm) AS peak_bpm, argMax(ts, heart_rate_bpm) AS peak_at
    FROM seconds
    GROUP BY member_id
)
SELECT
    member_id,
    peak_bpm,
    peak_at,
    round(peak_bpm - avg(heart_rate_bpm), 0) AS drop_after_60_s_bpm
FROM seconds
INNER JOIN peaks USING (member_id)
WHERE ts BETWEEN peak_at + INTERVAL 58 SECOND AND peak_at + INTERVAL 62 SECOND
GROUP BY member_id, peak_bpm, peak_at
ORDER BY drop_after_60_s_bpm DESC, member_id
