// What a card says about a row: its state as of now, ages, trend, share of maximum. Pure.
import type { MemberRow, MemberState } from "../ws/protocol.js";

export const STALE_AFTER_MS = 5000;
export const SHOW_AGE_AFTER_MS = 2000;
const TREND_BPM = 4;

export type Trend = "rising" | "falling" | "steady";

/** The newest time at which any value of this member was measured. */
export function newestValueMs(row: MemberRow): number | null {
  const times = [row.heart_rate_at_ms, row.power_at_ms, row.cadence_at_ms, row.speed_at_ms].filter((at): at is number => typeof at === "number");
  return times.length === 0 ? null : Math.max(...times);
}

/** The state to show: what the server said, aged on when nothing newer came. A screen without news must not look alive. */
export function stateNow(row: MemberRow, serverNowMs: number): MemberState {
  if (row.state !== "live") return row.state;
  const newest = newestValueMs(row);
  return newest !== null && serverNowMs - newest > STALE_AFTER_MS ? "stale" : "live";
}

/** The age of a value once it is old enough to matter, in whole seconds; else `null`. */
export function ageShownS(atMs: number | null | undefined, serverNowMs: number): number | null {
  if (atMs === null || atMs === undefined) return null;
  const age = serverNowMs - atMs;
  return age > SHOW_AGE_AFTER_MS ? Math.floor(age / 1000) : null;
}

/** Where the heart rate is heading: the last 10 s against the last 60 s. */
export function trend(row: MemberRow): Trend | null {
  const { heart_rate_10s_bpm: recent, heart_rate_60s_bpm: minute } = row;
  if (recent === null || recent === undefined || minute === null || minute === undefined) return null;
  if (recent - minute > TREND_BPM) return "rising";
  return recent - minute < -TREND_BPM ? "falling" : "steady";
}

export function shareOfMaximum(row: MemberRow, maximumBpm: number | undefined): number | null {
  return row.heart_rate_bpm && maximumBpm ? row.heart_rate_bpm / maximumBpm : null;
}
