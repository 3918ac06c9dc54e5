INSERT INTO telemetry_1s
SELECT
    member_id, session_id, class_id, started + second AS ts,
    toUInt8(116 + 32 * sin(second / 430 + place) + noise % 8) AS heart_rate_bpm,
    if(session % 2, toUInt16(150 + 70 * sin(second / 300 + place) + intDiv(noise, 8) % 64), NULL) AS power_watts,
    if(session % 2, toFloat32(80 + intDiv(noise, 512) % 16), NULL) AS cadence_rpm,
    NULL AS speed_mps, NULL AS distance_m, NULL AS altitude_m, device, 'heart_rate_monitor' AS source
FROM (
    SELECT
        intDiv(number, {size:UInt32}) AS session,
        number % {size:UInt32} AS place,
        number,
        (session % {groups:UInt32}) * {size:UInt32} + place + 1 AS member_id,
        toUUID(concat('5e550000-0000-4000-8000-', leftPad(lower(hex(session)), 12, '0'))) AS session_id,
        session % {classes:UInt32} + 1 AS class_id,
        toLowCardinality(concat('strap-', toString(member_id))) AS device,
        toDateTime({first:String}, 'UTC') + intDiv(session * {days:UInt32} * 24, {sessions:UInt32}) * 3600 AS started
    FROM numbers({from:UInt64}, {count:UInt64})
)
ARRAY JOIN range({seconds:UInt32}) AS second, arrayMap(at -> intHash32(number * {seconds:UInt32} + at), range({seconds:UInt32})) AS noise
SETTINGS optimize_on_insert = 0
