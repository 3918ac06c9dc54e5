import { effect } from "@preact/signals";
import { describe, expect, it } from "vitest";
import { LiveStore } from "../src/live/store.js";
import { applyMetrics, type MetricsView } from "../src/ws/metrics.js";
import type { MetricsUpdate } from "../src/ws/protocol.js";
import { chat, keyframe } from "./bench.js";

const STARTED = 1_790_000_000_000;
const METRICS = { expected: 3, active_members: 3, attended: 3, attendance_rate: 1, avg_heart_rate_bpm: 140, avg_intensity: 6, avg_intensity_60s: 6.5, intensity_distribution: {}, zone_counts: [0, 0, 3, 0, 0, 0] };

function fed(): { store: LiveStore; feed: (update: MetricsUpdate) => void; paint: () => void } {
  const waiting: (() => void)[] = [];
  const store = new LiveStore({ session_id: "s", class_name: "Spin", class_type: "spin", started_at_ms: STARTED }, (run) => void waiting.push(run), () => STARTED);
  let view: MetricsView | null = null;
  return {
    store,
    feed: (update) => {
      const applied = applyMetrics(view, update)!;
      view = applied.view;
      store.handlers.metrics(applied);
    },
    paint: () => waiting.splice(0).forEach((run) => run()),
  };
}
const delta = (from: number, row: number, bpm: number): MetricsUpdate => ({ ...keyframe(from + 1, []), kind: "delta", from, rows: [row], members: [], names: [], columns: { heart_rate_bpm: [bpm] } });

describe("the live store", () => {
  it("tells a card once per painted frame, however many updates came, and only the cards concerned", () => {
    const { store, feed, paint } = fed();
    feed(keyframe(1, [150, 140, 130]));
    paint();
    const drawn = [0, 0, 0];
    store.cells.value.forEach((cell, index) => effect(() => void (cell.row.value, (drawn[index]! += 1))));
    for (let n = 0; n < 20; n += 1) feed(delta(1 + n, 1, 141 + n));
    expect(drawn).toEqual([1, 1, 1]);
    paint();
    expect(drawn).toEqual([1, 2, 1]);
    expect(store.cells.value[1]!.row.value.heart_rate_bpm).toBe(160);
  });

  it("keeps a member's cell and sparkline when the list of members changes", () => {
    const { store, feed, paint } = fed();
    feed(keyframe(1, [150, 140]));
    paint();
    const ann = store.cells.value[0];
    feed(keyframe(2, [151, 141, 131]));
    paint();
    expect(store.cells.value).toHaveLength(3);
    expect(store.cells.value[0]).toBe(ann);
  });

  it("adds a point of class intensity every five seconds, behind what the history brought", () => {
    const { store, feed, paint } = fed();
    for (let n = 0; n < 12; n += 1) {
      feed({ ...keyframe(n + 1, [150]), event_time_ms: STARTED + 60_000 + n * 1000, class_metrics: METRICS });
      paint();
    }
    store.seedIntensity([[STARTED, 2], [STARTED + 62_000, 3]]);
    expect(store.intensity.value).toEqual([[STARTED, 2], [STARTED + 62_000, 3], [STARTED + 65_000, 6.5], [STARTED + 70_000, 6.5]]);
  });

  it("takes an event once, in the order of its time, whichever way it came", () => {
    const { store } = fed();
    const event = (id: string, at: number) => ({ type: "marker_added", event_id: id, event_time_ms: at });
    store.handlers.event(event("b", 20));
    store.handlers.state({ positions: {}, alerts: [], events: [event("a", 10), event("b", 20)], messages: [] });
    expect(store.events.value.map((one) => one.event_id)).toEqual(["a", "b"]);
  });

  it("takes a message once, of this class only, and knows news from what it read", () => {
    const { store } = fed();
    const [first, second] = [chat("1", "first", "2026-11-21T10:00:00.000Z"), chat("2", "second", "2026-11-21T10:00:05.000Z")];
    store.handlers.state({ positions: {}, alerts: [], events: [], messages: [first] });
    expect(store.heard.value).toBeNull();
    store.handlers.message(second);
    store.handlers.message(first);
    store.handlers.message({ ...chat("3", "elsewhere", "2026-11-21T10:00:09.000Z"), session_id: "other" });
    expect(store.messages.value.map((one) => one.message.text)).toEqual(["first", "second"]);
    expect(store.heard.value).toBe(second);
  });

  it("puts what was said among what happened, newest first", () => {
    const { store } = fed();
    const at = Date.parse("2026-11-21T10:00:00.000Z");
    store.handlers.event({ type: "marker_added", event_id: "before", event_time_ms: at - 1 });
    store.handlers.event({ type: "marker_added", event_id: "after", event_time_ms: at + 1 });
    store.handlers.message(chat("said", "hello", "2026-11-21T10:00:00.000Z"));
    expect(store.timeline.value.map((one) => one.key)).toEqual(["after", "said", "before"]);
  });
});
