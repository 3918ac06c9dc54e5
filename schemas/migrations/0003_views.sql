-- Readers use these: each hides that newer versions of a row replace older ones only when parts merge.
CREATE VIEW v_telemetry_raw AS SELECT * FROM telemetry_raw FINAL;
CREATE VIEW v_telemetry_1s AS SELECT * FROM telemetry_1s FINAL;
CREATE VIEW v_app_events AS SELECT * FROM app_events FINAL;
CREATE VIEW v_member_minutes AS SELECT * FROM member_minutes FINAL;
CREATE VIEW v_alerts AS SELECT * FROM alerts FINAL;
CREATE VIEW v_member_summaries AS SELECT * FROM member_summaries FINAL;
CREATE VIEW v_class_summaries AS SELECT * FROM class_summaries FINAL;
CREATE VIEW v_summary_corrections AS SELECT * FROM summary_corrections FINAL;
