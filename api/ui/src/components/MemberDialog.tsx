// One member close up: what is measured now, time in zones, the history of the session, message, note, check-in and check-out.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { age, duration, number, pace, percent } from "../format.js";
import { newestValueMs, shareOfMaximum, stateNow, trend } from "../live/rows.js";
import type { LiveStore, MemberCell } from "../live/store.js";
import { ZONE_NUMBERS, zoneWord } from "../live/zones.js";
import { addNote, checkIn, checkOut, memberSeries, rate } from "../rest/calls.js";
import type { Series } from "../rest/types.js";
import { attempt } from "../state.js";
import type { MemberRow } from "../ws/protocol.js";
import { Dialog } from "./Dialog.js";
import { HistoryChart } from "./HistoryChart.js";
import { MessageLine } from "./Messages.js";
import { shownZone, TrendMark, ZoneLine } from "./MemberCard.js";

interface Props {
  store: LiveStore;
  cell: MemberCell;
  leads: boolean;
  onClose: () => void;
}

export function MemberDialog({ store, cell, leads, onClose }: Props) {
  const row = cell.row.value;
  const state = useComputed(() => stateNow(cell.row.value, store.nowMs.value)).value;
  const participant = store.record.participants?.find((one) => one.member_id === cell.id);
  const maximum = participant ? (participant.max_heart_rate_bpm ?? 190) : undefined;
  const newest = newestValueMs(row);
  return (
    <Dialog title={row.name} onClose={onClose} class="member">
      <div class="member-top">
        <div class="member-now" data-state={state} data-zone={shownZone(row, state)}>
          <span class="bpm">
            {number(state === "no_strap" ? null : row.heart_rate_bpm)}
            <small> bpm</small>
            {state === "live" && trend(row) && <TrendMark heading={trend(row)!} />}
          </span>
          {state === "live" ? <ZoneLine zone={row.zone} /> : <span class="state-word">{STATE_WORDS[state]}{newest !== null ? ` · last value ${age(store.nowMs.value - newest)} ago` : ""}</span>}
        </div>
        <Numbers row={row} share={shareOfMaximum(row, maximum)} maximum={maximum} />
      </div>
      <div class="member-past">
        <div>
          <h3 class="history-head">Time in zones</h3>
          <TimeInZones seconds={row.zone_s ?? []} />
        </div>
        <History sessionId={store.record.session_id} memberId={cell.id} row={row} zoneFloors={participant?.heart_rate_zone_floors_bpm ?? []} />
      </div>
      {leads && <Actions store={store} memberId={cell.id} name={row.name} />}
    </Dialog>
  );
}

const STATE_WORDS = { live: "Live", stale: "Stale", no_strap: "No strap", left: "Left" } as const;

function Numbers({ row, share, maximum }: { row: MemberRow; share: number | null; maximum: number | undefined }) {
  const facts: [string, string][] = [
    ["Of maximum", share === null ? "–" : `${percent(share)} of ${maximum}`],
    ["Average", `${number(row.heart_rate_avg_bpm)} bpm`],
    ["Highest", `${number(row.heart_rate_max_bpm)} bpm`],
    ["Intensity", `${number(row.intensity, 1)} / 10`],
    ["Effort points", number(row.effort_points)],
    ["TRIMP", number(row.trimp)],
    ["Energy", `${number(row.energy_kcal)} kcal`],
    ["RMSSD", `${number(row.rmssd_ms)} ms`],
  ];
  if (row.power_watts !== null && row.power_watts !== undefined) facts.push(["Power", `${number(row.power_watts)} W · avg ${number(row.power_avg_watts)} W`]);
  if (row.cadence_rpm !== null && row.cadence_rpm !== undefined) facts.push(["Cadence", `${number(row.cadence_rpm)} rpm`]);
  if (row.pace_s_per_km) facts.push(["Pace", `${pace(row.pace_s_per_km)} /km · avg ${pace(row.pace_avg_s_per_km)}`]);
  return (
    <dl class="member-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function TimeInZones({ seconds }: { seconds: readonly number[] }) {
  const total = seconds.reduce((sum, value) => sum + value, 0);
  return (
    <ul class="time-in-zones">
      {ZONE_NUMBERS.slice().reverse().map((zone) => (
        <li key={zone}>
          <span class="tz-name">
            {zone} {zoneWord(zone)}
          </span>
          <span class="tz-track">
            <span class="tz-fill" data-zone={zone} style={{ width: `${total > 0 ? ((seconds[zone] ?? 0) / total) * 100 : 0}%` }} />
          </span>
          <span class="tz-time">{duration(seconds[zone] ?? 0)}</span>
        </li>
      ))}
    </ul>
  );
}

const METRICS: readonly [string, string, keyof MemberRow][] = [
  ["heart_rate_bpm", "Heart rate", "heart_rate_bpm"],
  ["power_watts", "Power", "power_watts"],
  ["cadence_rpm", "Cadence", "cadence_rpm"],
  ["speed_mps", "Speed", "speed_mps"],
];

const HISTORY_STEP_S = 5;

function History({ sessionId, memberId, row, zoneFloors }: { sessionId: string; memberId: number; row: MemberRow; zoneFloors: number[] }) {
  const metric = useSignal("heart_rate_bpm");
  const series = useSignal<Series | null>(null);
  const trouble = useSignal("");
  useEffect(() => {
    let over = false;
    series.value = null;
    trouble.value = "";
    memberSeries(memberId, sessionId, metric.value, HISTORY_STEP_S).then(
      (found) => void (over || (series.value = found)),
      (problem: Error) => void (over || (trouble.value = problem.message)),
    );
    return () => void (over = true);
  }, [metric.value, memberId]);
  const there = METRICS.filter(([name, , column]) => name === "heart_rate_bpm" || (row[column] !== null && row[column] !== undefined));
  return (
    <div>
      <div class="history-head">
        <h3>History</h3>
        <div class="choices" role="group" aria-label="Metric">
          {there.map(([name, word]) => (
            <button key={name} type="button" aria-pressed={metric.value === name} onClick={() => (metric.value = name)}>
              {word}
            </button>
          ))}
        </div>
      </div>
      {trouble.value && <p class="muted">{trouble.value}</p>}
      {series.value === null ? (
        !trouble.value && <p class="muted chart-room">Reading the history…</p>
      ) : series.value.points.length < 2 ? (
        <p class="muted chart-room">There are no values yet.</p>
      ) : (
        <HistoryChart series={series.value} floors={metric.value === "heart_rate_bpm" ? zoneFloors : []} />
      )}
    </div>
  );
}

function Actions({ store, memberId, name }: { store: LiveStore; memberId: number; name: string }) {
  const sessionId = store.record.session_id;
  const rated = useSignal(5);
  return (
    <div class="member-actions">
      <MessageLine store={store} id="say-member" to={memberId} name={name} />
      <MemberNote sessionId={sessionId} memberId={memberId} />
      <form
        class="rating"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(rate(sessionId, memberId, "effort", rated.value), "Rating kept");
        }}
      >
        <label for="rating">Effort as you see it: {rated.value} of 10</label>
        <div class="row">
          <input id="rating" type="range" min={0} max={10} value={rated.value} onInput={(event) => (rated.value = Number(event.currentTarget.value))} />
          <button type="submit">
            Keep<span class="sr"> rating</span>
          </button>
        </div>
      </form>
      <div class="row">
        <button type="button" onClick={() => void attempt(checkIn(sessionId, memberId), "Checked in")}>
          Check in
        </button>
        <button type="button" onClick={() => void attempt(checkOut(sessionId, memberId), "Checked out")}>
          Check out
        </button>
      </div>
    </div>
  );
}

function MemberNote({ sessionId, memberId }: { sessionId: string; memberId: number }) {
  const text = useSignal("");
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const words = text.value.trim();
    if (words !== "" && (await attempt(addNote(sessionId, words, memberId), "Note kept"))) text.value = "";
  };
  return (
    <form class="note-form" onSubmit={(event) => void submit(event)}>
      <label for="note-member">Note on this member</label>
      <div class="row">
        <input id="note-member" value={text.value} maxLength={2000} onInput={(event) => (text.value = event.currentTarget.value)} />
        <button type="submit" disabled={text.value.trim() === ""}>
          Keep<span class="sr"> note</span>
        </button>
      </div>
    </form>
  );
}
