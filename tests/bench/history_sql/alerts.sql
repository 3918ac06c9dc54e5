INSERT INTO alerts
SELECT
    concat(toString(session_id), '-', toString(member_id)), session_id, class_id, member_id, member_name,
    ['heart_rate_high', 'lost_signal', 'fatigue'][member_id % 3 + 1] AS rule, ['critical', 'warning', 'warning'][member_id % 3 + 1],
    'cleared', 'Heart rate above the limit', '', 'heart_rate_bpm', 185, 180,
    first_value_at + 600 AS raised_at, raised_at + 40, raised_at + 40, if(member_id % 4 > 0, raised_at + 10 + member_id % 20, NULL),
    if(member_id % 4 > 0, 'Trainer', ''), 0, 2
FROM member_summaries
