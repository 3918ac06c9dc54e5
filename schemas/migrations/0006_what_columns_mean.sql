-- Whoever reads the views finds in the warehouse itself what each column means, its unit in brackets; infra/analyst/views.py knows the units.
-- A view that is made anew loses its comments: give them again.
ALTER TABLE v_telemetry_raw MODIFY COMMENT 'Every value as it came, one row a value, kept for 30 days';
ALTER TABLE v_telemetry_raw
    COMMENT COLUMN member_id 'member [id]',
    COMMENT COLUMN session_id 'session, all zeros outside any [id]',
    COMMENT COLUMN metric 'what was measured, with its unit in the name: heart_rate_bpm, rr_ms, power_watts, cadence_rpm, speed_mps, distance_m, latitude_deg, longitude_deg, altitude_m, step_count, energy_kcal [text]',
    COMMENT COLUMN ts 'when it was measured [UTC]',
    COMMENT COLUMN device 'the device that measured it [id]',
    COMMENT COLUMN seq 'place within its event, from 0: RR intervals come several at a time [count]',
    COMMENT COLUMN value 'the value [by metric]',
    COMMENT COLUMN source 'kind of the device, such as heart_rate_monitor [text]',
    COMMENT COLUMN received_at 'when the door received it [UTC]';
ALTER TABLE v_telemetry_1s MODIFY COMMENT 'One row a member-second with the newest value of each metric, kept for 24 months';
ALTER TABLE v_telemetry_1s
    COMMENT COLUMN member_id 'member [id]',
    COMMENT COLUMN session_id 'session, all zeros outside any [id]',
    COMMENT COLUMN class_id 'class, 0 outside any [id]',
    COMMENT COLUMN ts 'the second, by the time of measuring [UTC]',
    COMMENT COLUMN heart_rate_bpm 'heart rate [bpm]',
    COMMENT COLUMN power_watts 'power [W]',
    COMMENT COLUMN cadence_rpm 'cadence [rpm]',
    COMMENT COLUMN speed_mps 'speed [m/s]',
    COMMENT COLUMN distance_m 'distance since the start [m]',
    COMMENT COLUMN altitude_m 'altitude above sea level [m]',
    COMMENT COLUMN device 'a device that contributed [id]',
    COMMENT COLUMN source 'a kind of device that contributed [text]';
ALTER TABLE v_app_events MODIFY COMMENT 'What people did: starts, pauses, markers, notes, ratings, acknowledgements';
ALTER TABLE v_app_events
    COMMENT COLUMN event_id 'event [id]',
    COMMENT COLUMN session_id 'session [id]',
    COMMENT COLUMN class_id 'class, 0 when none [id]',
    COMMENT COLUMN member_id 'member concerned, 0 when none [id]',
    COMMENT COLUMN actor_id 'user who did it, 0 for the system [id]',
    COMMENT COLUMN type 'kind of event, such as marker_added [text]',
    COMMENT COLUMN ts 'when it happened [UTC]',
    COMMENT COLUMN received_at 'when it was received [UTC]',
    COMMENT COLUMN body 'the whole event [JSON]';
ALTER TABLE v_member_minutes MODIFY COMMENT 'One row a member-minute with a value';
ALTER TABLE v_member_minutes
    COMMENT COLUMN session_id 'session [id]',
    COMMENT COLUMN class_id 'class, 0 when none [id]',
    COMMENT COLUMN member_id 'member [id]',
    COMMENT COLUMN minute 'start of the minute [UTC]',
    COMMENT COLUMN heart_rate_avg_bpm 'mean heart rate of the seconds that have one [bpm]',
    COMMENT COLUMN heart_rate_max_bpm 'highest heart rate [bpm]',
    COMMENT COLUMN power_avg_watts 'mean power [W]',
    COMMENT COLUMN cadence_avg_rpm 'mean cadence [rpm]',
    COMMENT COLUMN speed_avg_mps 'mean speed [m/s]',
    COMMENT COLUMN intensity 'how hard the minute was [0–10]',
    COMMENT COLUMN zone_s 'time in heart-rate zones 0 to 5 [s]',
    COMMENT COLUMN effort_points 'effort points of the minute [points]',
    COMMENT COLUMN trimp 'training impulse of the minute [TRIMP]',
    COMMENT COLUMN seconds_seen 'seconds with any value [s]',
    COMMENT COLUMN version 'grows with every correction [count]';
ALTER TABLE v_alerts MODIFY COMMENT 'The present state of every alert';
ALTER TABLE v_alerts
    COMMENT COLUMN alert_id 'alert: made of session, member, rule and the second that raised it [id]',
    COMMENT COLUMN session_id 'session [id]',
    COMMENT COLUMN class_id 'class, 0 when none [id]',
    COMMENT COLUMN member_id 'member, 0 when it concerns the class [id]',
    COMMENT COLUMN member_name 'name as the session knew it [text]',
    COMMENT COLUMN rule 'rule that raised it, such as heart_rate_high [text]',
    COMMENT COLUMN severity 'info, warning or critical [text]',
    COMMENT COLUMN state 'active or cleared [text]',
    COMMENT COLUMN message 'sentence for the trainer [text]',
    COMMENT COLUMN suggested_action 'what to do [text]',
    COMMENT COLUMN metric 'what the rule looks at, with its unit in the name [text]',
    COMMENT COLUMN current 'value when it was raised [by metric]',
    COMMENT COLUMN threshold 'bound that was crossed [by metric]',
    COMMENT COLUMN raised_at 'when it was raised [UTC]',
    COMMENT COLUMN updated_at 'when it last changed [UTC]',
    COMMENT COLUMN cleared_at 'when it was over, NULL while it is not [UTC]',
    COMMENT COLUMN acknowledged_at 'when somebody acknowledged it, NULL until then [UTC]',
    COMMENT COLUMN acknowledged_by 'who acknowledged it, empty until then [text]',
    COMMENT COLUMN repeated 'how often it was told again for want of acknowledgement [count]',
    COMMENT COLUMN version 'grows with every change [count]';
ALTER TABLE v_member_summaries MODIFY COMMENT 'A member in a session, from start to end';
ALTER TABLE v_member_summaries
    COMMENT COLUMN session_id 'session [id]',
    COMMENT COLUMN class_id 'class, 0 when none [id]',
    COMMENT COLUMN member_id 'member [id]',
    COMMENT COLUMN member_name 'name as the session knew it [text]',
    COMMENT COLUMN attended 'whether a value or a check-in is known [yes/no]',
    COMMENT COLUMN heart_rate_avg_bpm 'mean heart rate [bpm]',
    COMMENT COLUMN heart_rate_max_bpm 'highest heart rate [bpm]',
    COMMENT COLUMN zone_s 'time in heart-rate zones 0 to 5 [s]',
    COMMENT COLUMN intensity 'how hard the session was [0–10]',
    COMMENT COLUMN effort_points 'effort points [points]',
    COMMENT COLUMN trimp 'training impulse [TRIMP]',
    COMMENT COLUMN energy_kcal 'energy [kcal]',
    COMMENT COLUMN power_avg_watts 'mean power [W]',
    COMMENT COLUMN power_max_watts 'highest power [W]',
    COMMENT COLUMN normalized_power_watts 'normalized power [W]',
    COMMENT COLUMN cadence_avg_rpm 'mean cadence [rpm]',
    COMMENT COLUMN speed_avg_mps 'mean speed [m/s]',
    COMMENT COLUMN distance_m 'distance [m]',
    COMMENT COLUMN rmssd_ms 'heart-rate variability over the session (RMSSD), artefacts removed [ms]',
    COMMENT COLUMN seconds_seen 'seconds with any value [s]',
    COMMENT COLUMN first_value_at 'first value [UTC]',
    COMMENT COLUMN last_value_at 'last value [UTC]',
    COMMENT COLUMN alerts 'alerts raised about this member [count]',
    COMMENT COLUMN revision '1 at the end of the class, more after each correction [count]',
    COMMENT COLUMN computed_from 'live, or telemetry_raw after a correction [text]';
ALTER TABLE v_class_summaries MODIFY COMMENT 'A session as a whole, from start to end';
ALTER TABLE v_class_summaries
    COMMENT COLUMN session_id 'session [id]',
    COMMENT COLUMN class_id 'class, 0 when none [id]',
    COMMENT COLUMN class_name 'name of the class [text]',
    COMMENT COLUMN class_type 'kind of class, such as spin [text]',
    COMMENT COLUMN trainer_id 'trainer, 0 when none [id]',
    COMMENT COLUMN started_at 'start [UTC]',
    COMMENT COLUMN ended_at 'end [UTC]',
    COMMENT COLUMN expected 'members on the roster [count]',
    COMMENT COLUMN attended 'members who came [count]',
    COMMENT COLUMN average_intensity 'mean of the intensity of its members [0–10]',
    COMMENT COLUMN intensity_low 'members below 4 [count]',
    COMMENT COLUMN intensity_medium 'members from 4 to below 7 [count]',
    COMMENT COLUMN intensity_high 'members from 7 [count]',
    COMMENT COLUMN alerts 'alerts raised [count]',
    COMMENT COLUMN summary 'the whole summary: highlights, improvement areas, achievements [JSON]',
    COMMENT COLUMN late_events 'events that came too late for the live totals and are contained now [count]',
    COMMENT COLUMN revision '1 at the end of the class, more after each correction [count]',
    COMMENT COLUMN computed_from 'live, or telemetry_raw after a correction [text]';
ALTER TABLE v_summary_corrections MODIFY COMMENT 'What late data changed: every revision of a summary after the first';
ALTER TABLE v_summary_corrections
    COMMENT COLUMN session_id 'session [id]',
    COMMENT COLUMN revision 'revision that this correction made [count]',
    COMMENT COLUMN late_events 'late events contained from then on [count]',
    COMMENT COLUMN reason 'why it was corrected [text]',
    COMMENT COLUMN before 'the summary before [JSON]',
    COMMENT COLUMN after 'the summary after [JSON]';
ALTER TABLE v_member_daily MODIFY COMMENT 'A member''s day: what it asked for, and what the days before it have built up';
ALTER TABLE v_member_daily
    COMMENT COLUMN member_id 'member [id]',
    COMMENT COLUMN day 'by the end of its sessions [day]',
    COMMENT COLUMN sessions 'sessions attended, 0 on a rest day [count]',
    COMMENT COLUMN load 'training load: sum of Banister TRIMP [TRIMP]',
    COMMENT COLUMN effort_points 'effort points [points]',
    COMMENT COLUMN seconds_seen 'seconds with any value [s]',
    COMMENT COLUMN fitness 'chronic load (CTL) at the end of the day, exponential mean over 42 days [TRIMP]',
    COMMENT COLUMN fatigue 'acute load (ATL) at the end of the day, exponential mean over 7 days [TRIMP]',
    COMMENT COLUMN form 'fitness less fatigue as the day began (TSB) [TRIMP]',
    COMMENT COLUMN history_days 'days of history that these rest on, this one included: below 42 they are too low [count]',
    COMMENT COLUMN version 'milliseconds since 1970 when it was computed, the newest wins [ms]';
