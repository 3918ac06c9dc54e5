INSERT INTO class_summaries
SELECT
    session_id, any(class_id), concat('Class ', toString(any(class_id))), 'spin', 1, min(first_value_at), max(last_value_at), 40, count(),
    avg(intensity), 5, 25, 10, 12, '{}', 0, 1, 'live'
FROM member_summaries
GROUP BY session_id
