// The class as a line in time: intensity, markers added by one click, and what people did and said, newest first.
import { signal, useSignal } from "@preact/signals";
import { timeOfDay, words } from "../format.js";
import { markLabel, MARKERS } from "../live/chart.js";
import type { LiveStore } from "../live/store.js";
import { addMarker, addNote } from "../rest/calls.js";
import { attempt } from "../state.js";
import type { SessionEvent } from "../ws/protocol.js";
import { Icon, type IconName } from "./Icon.js";
import { IntensityChart } from "./IntensityChart.js";
import { MessageEntry, MessageToClass } from "./Messages.js";

export function TimelinePanel({ store, leads }: { store: LiveStore; leads: boolean }) {
  const { record } = store;
  const planned = record.started_at_ms + (record.planned_duration_s ?? 3600) * 1000;
  const value = store.classMetrics.value?.avg_intensity_60s;
  return (
    <section class="panel timeline" aria-labelledby="timeline-title" id="timeline">
      <header class="panel-head">
        <h2 id="timeline-title">
          <Icon name="flag" /> Timeline
        </h2>
      </header>
      <IntensityChart
        points={store.intensity.value}
        events={store.events.value}
        segments={record.segments ?? []}
        startedAtMs={record.started_at_ms}
        toMs={Math.max(planned, store.nowMs.value)}
        low={record.limits?.intensity_low ?? 3}
        high={record.limits?.intensity_high ?? 8}
        label={`Class intensity over time, 0 to 10, now ${value?.toFixed(1) ?? "unknown"}`}
      />
      {leads && <Markers sessionId={record.session_id} />}
      {leads && <Write sessionId={record.session_id} />}
      {leads && <MessageToClass store={store} />}
      <ul class="event-list" tabIndex={0} aria-label="What happened">
        {store.timeline.value.map((entry) =>
          "said" in entry ? (
            <MessageEntry key={entry.key} one={entry.said} atMs={entry.atMs} store={store} leads={leads} />
          ) : (
            <EventLine key={entry.key} event={entry.event} store={store} />
          ),
        )}
      </ul>
    </section>
  );
}

function Markers({ sessionId }: { sessionId: string }) {
  return (
    <div class="markers" role="group" aria-label="Add a marker">
      {MARKERS.map(([type, label]) => (
        <button key={type} type="button" onClick={() => void attempt(addMarker(sessionId, type, label), `Marked: ${label}`)}>
          {label}
        </button>
      ))}
    </div>
  );
}

/** What Enter does in the line below; the keys M and N set it. */
export const writing = signal<"marker" | "note">("marker");
export const WRITE_ID = "write";

function Write({ sessionId }: { sessionId: string }) {
  const text = useSignal("");
  const keep = async (what: "marker" | "note"): Promise<void> => {
    const words = text.value.trim();
    if (words === "") return;
    const call = what === "marker" ? addMarker(sessionId, "custom", words.slice(0, 200)) : addNote(sessionId, words);
    if (await attempt(call, what === "marker" ? `Marked: ${words}` : "Note kept")) text.value = "";
  };
  const button = (what: "marker" | "note", word: string) => (
    <button type="button" class={writing.value === what ? "primary" : ""} onClick={() => void keep(what)}>
      {word}
      <span class="sr"> with these words</span>
    </button>
  );
  return (
    <form
      class="write"
      onSubmit={(event) => {
        event.preventDefault();
        void keep(writing.value);
      }}
    >
      <label class="sr" for={WRITE_ID}>
        Own marker or class note
      </label>
      <input id={WRITE_ID} placeholder="Own marker or note" maxLength={2000} value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
      {button("marker", "Mark")}
      {button("note", "Note")}
    </form>
  );
}

const EVENT_ICONS: Record<string, IconName> = {
  marker_added: "flag",
  note_added: "note",
  session_paused: "pause",
  session_resumed: "play",
  session_started: "play",
  session_ended: "stop",
  checked_in: "people",
  checked_out: "left",
  rating_given: "star",
  alert_acknowledged: "check",
};

function EventLine({ event, store }: { event: SessionEvent; store: LiveStore }) {
  const member = event.member_id ? store.cells.value.find((cell) => cell.id === event.member_id)?.row.peek().name : undefined;
  return (
    <li>
      <time>{timeOfDay(event.event_time_ms)}</time>
      <Icon name={EVENT_ICONS[event.type] ?? "info"} />
      <span>
        {sentence(event)}
        {member ? ` · ${member}` : ""}
      </span>
    </li>
  );
}

const SENTENCES: Record<string, string> = {
  session_opened: "Doors open",
  session_started: "Class started",
  session_paused: "Class paused",
  session_resumed: "Class goes on",
  session_ended: "Class ended",
  checked_in: "Checked in",
  checked_out: "Checked out",
  alert_acknowledged: "Alert acknowledged",
  member_changed: "Limits changed",
  roster_changed: "Roster changed",
  rating_given: "Rated",
};

function sentence(event: SessionEvent): string {
  if (event.type === "note_added") return event.text ?? "Note";
  return markLabel(event) ?? SENTENCES[event.type] ?? words(event.type);
}
