import { describe, expect, it } from "vitest";
import { attention, put, putAll, sections } from "../src/live/alertbook.js";
import { linePath, markLabel, withGaps, xOf, yOf } from "../src/live/chart.js";
import { elapsedS, pauses, placeInPlan } from "../src/live/classclock.js";
import { fitCards } from "../src/live/fit.js";
import { ageShownS, newestValueMs, shareOfMaximum, stateNow, trend } from "../src/live/rows.js";
import { keeps, order, type Listed } from "../src/live/sorting.js";
import { SparkHistory, sparkPath } from "../src/live/spark.js";
import type { Alert, MemberRow, SessionEvent } from "../src/ws/protocol.js";

const NOW = 1_790_000_000_000;
const row = (more: Partial<MemberRow> = {}): MemberRow => ({ member_id: 1, name: "Ann", state: "live", heart_rate_bpm: 150, heart_rate_at_ms: NOW, zone: 3, ...more });
const listed = (name: string, more: Partial<Listed> & { zone?: number } = {}): Listed => ({
  row: row({ name, zone: more.zone ?? 2 }),
  state: more.state ?? "live",
  attention: more.attention,
});
const alert = (id: string, more: Partial<Alert> & { severity?: Alert["alert"]["severity"] } = {}): Alert => ({
  alert_id: id,
  version: 1,
  session_id: "s",
  member_id: 1,
  member_name: "Ann",
  rule: "heart_rate_high",
  state: "active",
  raised_at_ms: NOW,
  updated_at_ms: NOW,
  cleared_at_ms: null,
  acknowledged_at_ms: null,
  acknowledged_by: null,
  repeated: 0,
  alert: { severity: more.severity ?? "warning", message: id, metric: "heart_rate_bpm", current: 185, threshold: 180, suggested_action: "" },
  ...more,
});
const event = (type: string, at: number): SessionEvent => ({ type, event_id: `${type}${at}`, event_time_ms: at });

describe("a card's state", () => {
  it("ages by itself when nothing newer comes, whatever the server said last", () => {
    expect(stateNow(row(), NOW + 5000)).toBe("live");
    expect(stateNow(row(), NOW + 5001)).toBe("stale");
  });
  it("is never made fresher than the server said", () => {
    expect(stateNow(row({ state: "left" }), NOW)).toBe("left");
    expect(stateNow(row({ state: "stale" }), NOW)).toBe("stale");
  });
  it("follows the newest value of any device", () => {
    expect(newestValueMs(row({ power_at_ms: NOW + 900 }))).toBe(NOW + 900);
    expect(stateNow(row({ power_at_ms: NOW + 9000 }), NOW + 10_000)).toBe("live");
    expect(newestValueMs({ member_id: 1, name: "x", state: "no_strap" })).toBeNull();
  });
  it("shows an age only beyond two seconds", () => {
    expect(ageShownS(NOW, NOW + 2000)).toBeNull();
    expect(ageShownS(NOW, NOW + 3400)).toBe(3);
    expect(ageShownS(null, NOW)).toBeNull();
  });
  it("calls a trend by the last ten seconds against the minute", () => {
    const means = (recent: number | null, minute: number | null) => trend(row({ heart_rate_10s_bpm: recent, heart_rate_60s_bpm: minute }));
    expect([means(150, 140), means(140, 150), means(150, 148), means(null, 148)]).toEqual(["rising", "falling", "steady", null]);
  });
  it("knows the share of maximum only where there is one", () => {
    expect(shareOfMaximum(row(), 200)).toBe(0.75);
    expect(shareOfMaximum(row(), undefined)).toBeNull();
  });
});

describe("the alert book", () => {
  it("keeps the newest version, in whatever order versions come", () => {
    const [first, second] = [alert("a"), alert("a", { version: 2, state: "cleared", cleared_at_ms: NOW })];
    for (const book of [put(put(new Map(), first), second), put(put(new Map(), second), first)]) expect(book.get("a")?.state).toBe("cleared");
  });
  it("returns the same book for a double, so that nothing is drawn anew", () => {
    const book = put(new Map(), alert("a"));
    expect(put(book, alert("a"))).toBe(book);
  });
  it("puts the most severe first, then the longest standing; acknowledged and cleared apart", () => {
    const book = putAll(new Map(), [
      alert("late", { raised_at_ms: NOW + 5 }),
      alert("early"),
      alert("worst", { severity: "critical", raised_at_ms: NOW + 9 }),
      alert("held", { acknowledged_at_ms: NOW }),
      alert("over", { state: "cleared", cleared_at_ms: NOW + 2 }),
    ]);
    const { open, acknowledged, cleared } = sections(book);
    expect([open, acknowledged, cleared].map((list) => list.map((one) => one.alert_id))).toEqual([["worst", "early", "late"], ["held"], ["over"]]);
  });
  it("marks a member by the worst active alert, and not by cleared ones or those of the class", () => {
    const book = putAll(new Map(), [alert("a"), alert("b", { severity: "critical" }), alert("c", { member_id: 2, state: "cleared" }), alert("d", { member_id: null })]);
    expect([...attention(book)]).toEqual([[1, "critical"]]);
  });
});

describe("the class clock", () => {
  it("stands still while the class is paused", () => {
    const stops = pauses([event("session_paused", 60_000), event("session_resumed", 90_000), event("session_paused", 120_000)]);
    expect(elapsedS(0, 100_000, stops)).toBe(70);
    expect(elapsedS(0, 200_000, stops)).toBe(90);
  });
  it("takes a doubled pause or a resume without pause for nothing", () => {
    const stops = pauses([event("session_resumed", 1), event("session_paused", 10_000), event("session_paused", 20_000), event("session_resumed", 30_000)]);
    expect(stops).toEqual([{ fromMs: 10_000, toMs: 30_000 }]);
  });
  it("names the segment, what is left of it and the next", () => {
    const plan = [{ name: "Warm-up", duration_s: 300 }, { name: "Main", duration_s: 600 }];
    expect(placeInPlan(plan, 100)).toEqual({ index: 0, leftS: 200, next: plan[1] });
    expect(placeInPlan(plan, 300)).toEqual({ index: 1, leftS: 600, next: null });
    expect(placeInPlan(plan, 900).index).toBeNull();
  });
});

describe("sorting and filtering", () => {
  it("puts attention first, and absent members behind present ones", () => {
    const all = [listed("Zoe"), listed("Bea", { state: "left" }), listed("Cid", { attention: "warning" }), listed("Dan", { attention: "critical" }), listed("Ann")];
    expect(all.sort(order("attention")).map((one) => one.row.name)).toEqual(["Dan", "Cid", "Ann", "Zoe", "Bea"]);
  });
  it("sorts by zone downwards with ties by name", () => {
    const all = [listed("B", { zone: 3 }), listed("A", { zone: 3 }), listed("C", { zone: 5 }), listed("D", { zone: 5, state: "no_strap" })];
    expect(all.sort(order("zone")).map((one) => one.row.name)).toEqual(["C", "A", "B", "D"]);
  });
  it("filters by what is live now, not by the zone of an old value", () => {
    expect(keeps(listed("A", { zone: 5 }), "zone5", "")).toBe(true);
    expect(keeps(listed("A", { zone: 5, state: "stale" }), "zone5", "")).toBe(false);
    expect(keeps(listed("A", { state: "stale" }), "silent", "")).toBe(true);
    expect(keeps(listed("Łucja"), "all", "łUC")).toBe(true);
  });
});

describe("fitting cards into a box", () => {
  const wall = { gap: 10, aspect: 1.55, minWidth: 0, minHeight: 0, maxHeight: 520 };
  it("never needs more room than there is, for any number and screen", () => {
    for (const [width, height] of [[1900, 960], [3800, 2000], [1340, 660], [700, 1200]] as const) {
      for (let count = 1; count <= 120; count += 1) {
        const fit = fitCards(count, width, height, wall);
        const rows = Math.ceil(count / fit.columns);
        expect(rows * fit.cellHeight + (rows - 1) * wall.gap).toBeLessThanOrEqual(height + 0.001);
        expect(fit.columns * fit.cellWidth + (fit.columns - 1) * wall.gap).toBeLessThanOrEqual(width + 0.001);
      }
    }
  });
  it("chooses the columns that let the cards be largest", () => {
    for (const count of [1, 7, 12, 40, 100]) {
      const size = (columns: number): number => {
        const rows = Math.ceil(count / columns);
        return Math.min((1900 - (columns - 1) * wall.gap) / columns / wall.aspect, (960 - (rows - 1) * wall.gap) / rows);
      };
      const best = Math.max(...Array.from({ length: count }, (_, index) => size(index + 1)));
      expect(size(fitCards(count, 1900, 960, wall).columns)).toBeCloseTo(best);
    }
  });
  it("scrolls with cards of the least size when they would become too small to read", () => {
    const fit = fitCards(100, 1000, 500, { ...wall, minWidth: 158, minHeight: 84 });
    expect(fit).toMatchObject({ fits: false, columns: 6, cellHeight: 84 });
  });
  it("does not blow a single card up beyond the largest size", () => {
    expect(fitCards(1, 1000, 900, { ...wall, maxHeight: 190 }).cellHeight).toBe(190);
  });
});

describe("sparklines", () => {
  it("take one value per second, drop what is older than two minutes, ignore what comes late", () => {
    const history = new SparkHistory();
    history.add(NOW, 100);
    history.add(NOW + 400, 101);
    expect(history.add(NOW - 5000, 90)).toBe(false);
    expect(history.values).toEqual([101]);
    for (let s = 1; s <= 200; s += 1) history.add(NOW + s * 1000, 100 + s);
    expect(history.times[0]).toBeGreaterThanOrEqual(NOW + 80_000);
  });
  it("break their line at a gap and stay inside their box", () => {
    const history = new SparkHistory();
    for (const s of [0, 1, 2, 30, 31]) history.add(NOW + s * 1000, 120 + s);
    const path = sparkPath(history, 100, 24);
    expect(path.match(/M/g)).toHaveLength(2);
    const numbers = path.split(/[ML ]/).filter(Boolean).map(Number);
    for (const [index, value] of numbers.entries()) expect(value).toBeGreaterThanOrEqual(0), expect(value).toBeLessThanOrEqual(index % 2 === 0 ? 100 : 24);
  });
});

describe("the intensity chart", () => {
  const frame = { fromMs: 0, toMs: 3_600_000, width: 600, height: 120 };
  it("maps time and intensity to the box and keeps outliers in it", () => {
    expect([xOf(1_800_000, frame), xOf(-5, frame), yOf(10, frame), yOf(0, frame), yOf(14, frame)]).toEqual([300, 0, 0, 120, 0]);
  });
  it("breaks where a value is missing for long", () => {
    expect(linePath([[0, 5], [5000, 5], [400_000, 6]], frame).match(/M/g)).toHaveLength(2);
  });
  it("puts a null into gaps of a history instead of inventing values", () => {
    expect(withGaps([[0, 1], [5000, 2], [60_000, 3]], 15_000)).toEqual([[0, 1], [5000, 2], [5001, null], [60_000, 3]]);
  });
  it("labels markers by their own words first", () => {
    expect(markLabel({ type: "marker_added", marker_type: "warmup_end" })).toBe("Warm-up end");
    expect(markLabel({ type: "marker_added", marker_type: "custom", label: "Sprint 3" })).toBe("Sprint 3");
    expect(markLabel({ type: "note_added" })).toBeNull();
  });
});
