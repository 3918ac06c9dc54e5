// The class as a line in time: intensity, markers added by one click, and what people did, newest first.
import { useSignal } from "@preact/signals";
import { timeOfDay, words } from "../format.js";
import { markLabel, MARKERS } from "../live/chart.js";
import type { LiveStore } from "../live/store.js";
import { addMarker, addNote } from "../rest/calls.js";
import { attempt } from "../state.js";
import type { SessionEvent } from "../ws/protocol.js";
import { Icon, type IconName } from "./Icon.js";
import { IntensityChart } from "./IntensityChart.js";

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
      <ul class="event-list" tabIndex={0} aria-label="What happened">
        {[...store.events.value].reverse().map((event) => (
          <EventLine key={event.event_id} event={event} store={store} />
        ))}
      </ul>
      {leads && <NoteForm sessionId={record.session_id} />}
    </section>
  );
}

function Markers({ sessionId }: { sessionId: string }) {
  const custom = useSignal("");
  const add = (type: string, label: string): void => void attempt(addMarker(sessionId, type, label), `Marked: ${label}`);
  return (
    <div class="markers" role="group" aria-label="Add a marker">
      {MARKERS.map(([type, label]) => (
        <button key={type} type="button" onClick={() => add(type, label)}>
          {label}
        </button>
      ))}
      <form
        class="marker-custom"
        onSubmit={(event) => {
          event.preventDefault();
          const label = custom.value.trim();
          if (label !== "") add("custom", label);
          custom.value = "";
        }}
      >
        <label class="sr" for="marker-custom">
          Own marker
        </label>
        <input id="marker-custom" placeholder="Own marker" maxLength={60} value={custom.value} onInput={(event) => (custom.value = event.currentTarget.value)} />
        <button type="submit">
          Mark<span class="sr"> with own words</span>
        </button>
      </form>
    </div>
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

export function NoteForm({ sessionId, memberId }: { sessionId: string; memberId?: number }) {
  const text = useSignal("");
  const id = memberId === undefined ? "note-class" : "note-member";
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const words = text.value.trim();
    if (words !== "" && (await attempt(addNote(sessionId, words, memberId), "Note kept"))) text.value = "";
  };
  return (
    <form class="note-form" onSubmit={(event) => void submit(event)}>
      <label for={id}>{memberId === undefined ? "Class note" : "Note on this member"}</label>
      <div class="row">
        <input id={id} value={text.value} maxLength={2000} onInput={(event) => (text.value = event.currentTarget.value)} />
        <button type="submit" disabled={text.value.trim() === ""}>
          Keep<span class="sr"> note</span>
        </button>
      </div>
    </form>
  );
}
