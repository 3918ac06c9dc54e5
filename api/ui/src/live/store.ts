// The live state of one session as signals: frames come in at any pace, the page is told once per painted frame.
import { batch, computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { Point, SessionRecord } from "../rest/types.js";
import type { Handlers, LiveConnection, Status } from "../ws/connection.js";
import type { Applied, MetricsView } from "../ws/metrics.js";
import type { ChatMessage, ClassMetrics, MemberRow, SessionEvent, SessionState, StreamState } from "../ws/protocol.js";
import { attention, put, putAll, sections, type AlertBook } from "./alertbook.js";
import { elapsedS, pauses } from "./classclock.js";
import { SparkHistory } from "./spark.js";
import { timeline } from "./timeline.js";

export interface MemberCell {
  id: number;
  row: Signal<MemberRow>;
  history: SparkHistory;
  /** Grows when the history has a new second, so that the line is drawn anew. */
  historyVersion: Signal<number>;
}

const OLD_AFTER_MS = 8000;
const INTENSITY_EVERY_MS = 5000;
const MOST_EVENTS = 500;
const MOST_MESSAGES = 200;

export class LiveStore {
  readonly status = signal<Status>({ phase: "connecting", sinceMs: 0, attempt: 0 });
  readonly cells = signal<MemberCell[]>([]);
  readonly classMetrics = signal<ClassMetrics | null>(null);
  readonly sessionState: Signal<SessionState>;
  readonly alerts = signal<AlertBook>(new Map());
  readonly sections = computed(() => sections(this.alerts.value));
  readonly attention = computed(() => attention(this.alerts.value));
  readonly events = signal<readonly SessionEvent[]>([]);
  readonly messages = signal<readonly ChatMessage[]>([]);
  /** The message that came over the socket last: unlike those read with the state, it is news. */
  readonly heard = signal<ChatMessage | null>(null);
  readonly timeline = computed(() => timeline(this.events.value, this.messages.value));
  readonly intensity = signal<readonly Point[]>([]);
  readonly refused = signal<string | null>(null);
  /** The server's time, once a second: ages and clocks hang on it. */
  readonly nowMs = signal(0);
  readonly lagMs = signal<number | null>(null);
  /** When the newest data arrived at the server's door; 0 while there are none. */
  readonly newestDataMs = signal(0);
  readonly elapsedS: ReadonlySignal<number>;
  /** Since when the class's figures are not of now any more, because nothing newer came; `null` while they are. */
  readonly oldSinceMs: ReadonlySignal<number | null>;
  readonly handlers: Handlers;

  private readonly known = new Map<number, MemberCell>();
  private pending: { view: MetricsView; changed: Set<number>; reshaped: boolean } | null = null;

  constructor(
    readonly record: SessionRecord,
    private readonly schedule: (run: () => void) => void,
    private readonly localNow: () => number,
  ) {
    this.sessionState = signal(record.state ?? "active");
    this.nowMs.value = localNow();
    const stops = computed(() => pauses(this.events.value));
    this.elapsedS = computed(() => elapsedS(record.started_at_ms, record.ended_at_ms ?? this.nowMs.value, stops.value));
    this.oldSinceMs = computed(() => {
      const newest = this.newestDataMs.value;
      return newest > 0 && this.nowMs.value - newest > OLD_AFTER_MS ? newest : null;
    });
    this.handlers = {
      status: (status) => (this.status.value = status),
      metrics: (applied) => this.take(applied),
      alert: (alert) => (this.alerts.value = put(this.alerts.value, alert)),
      event: (event) => this.addEvents([event]),
      message: (message) => {
        if (this.addMessages([message])) this.heard.value = message;
      },
      state: (state) => this.takeState(state),
      refused: (_channel, problem) => (this.refused.value = problem.message),
    };
  }

  /** Once a second: the clock goes on, whatever the network does. */
  tick(connection: LiveConnection): void {
    batch(() => {
      this.nowMs.value = connection.clock.serverTimeMs(this.localNow());
      this.lagMs.value = connection.lag.medianMs;
      this.newestDataMs.value = connection.lag.newestReceivedMs;
    });
  }

  seedIntensity(points: readonly Point[]): void {
    const newest = points[points.length - 1]?.[0] ?? 0;
    this.intensity.value = [...points, ...this.intensity.value.filter(([at]) => at > newest)];
  }

  /** Messages of other classes, and those known already, are left out; false when nothing was new. */
  addMessages(messages: readonly ChatMessage[]): boolean {
    const known = new Set(this.messages.value.map(({ message }) => message.id));
    const fresh = messages.filter((one) => one.session_id === this.record.session_id && !known.has(one.message.id));
    if (fresh.length === 0) return false;
    this.messages.value = [...this.messages.value, ...fresh].sort((a, b) => a.timestamp.localeCompare(b.timestamp)).slice(-MOST_MESSAGES);
    return true;
  }

  private takeState(state: StreamState): void {
    batch(() => {
      this.alerts.value = putAll(this.alerts.value, state.alerts);
      this.addEvents(state.events);
      this.addMessages(state.messages);
    });
  }

  private addEvents(events: SessionEvent[]): void {
    const known = new Set(this.events.value.map((event) => event.event_id));
    const fresh = events.filter((event) => !known.has(event.event_id));
    if (fresh.length === 0) return;
    this.events.value = [...this.events.value, ...fresh].sort((a, b) => a.event_time_ms - b.event_time_ms).slice(-MOST_EVENTS);
  }

  private take({ view, changed, reshaped }: Applied): void {
    if (this.pending === null) {
      this.pending = { view, changed: new Set(changed), reshaped };
      this.schedule(() => this.flush());
      return;
    }
    this.pending.view = view;
    this.pending.reshaped ||= reshaped;
    for (const row of changed) this.pending.changed.add(row);
  }

  private flush(): void {
    const pending = this.pending;
    if (pending === null) return;
    this.pending = null;
    batch(() => {
      for (const position of pending.changed) this.showRow(pending.view.rows[position]!);
      if (pending.reshaped) this.cells.value = pending.view.rows.map((row) => this.known.get(row.member_id)!);
      this.classMetrics.value = pending.view.classMetrics;
      this.sessionState.value = pending.view.sessionState;
      this.addIntensity(pending.view);
    });
  }

  private showRow(row: MemberRow): void {
    let cell = this.known.get(row.member_id);
    if (!cell) {
      cell = { id: row.member_id, row: signal(row), history: new SparkHistory(), historyVersion: signal(0) };
      this.known.set(row.member_id, cell);
    }
    cell.row.value = row;
    const { heart_rate_at_ms: at, heart_rate_bpm: bpm } = row;
    if (typeof at === "number" && typeof bpm === "number" && cell.history.add(at, bpm)) cell.historyVersion.value += 1;
  }

  private addIntensity(view: MetricsView): void {
    const value = view.classMetrics?.avg_intensity_60s;
    const points = this.intensity.value;
    const last = points[points.length - 1]?.[0] ?? 0;
    if (value === null || value === undefined || view.eventTimeMs - last < INTENSITY_EVERY_MS) return;
    this.intensity.value = [...points, [view.eventTimeMs, value]];
  }
}

