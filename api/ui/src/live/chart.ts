// Intensity over time as SVG: scale and path. Pure.
import type { Point } from "../rest/types.js";

export interface Frame {
  fromMs: number;
  toMs: number;
  width: number;
  height: number;
}

const GAP_MS = 60_000;
export const INTENSITY_TOP = 10;

export function xOf(ms: number, frame: Frame): number {
  const share = (ms - frame.fromMs) / Math.max(1, frame.toMs - frame.fromMs);
  return Math.min(1, Math.max(0, share)) * frame.width;
}

export function yOf(value: number, frame: Frame): number {
  return frame.height - (Math.min(INTENSITY_TOP, Math.max(0, value)) / INTENSITY_TOP) * frame.height;
}

/** The line, broken where nothing was known for a minute or a point has no value. */
export function linePath(points: readonly Point[], frame: Frame): string {
  let path = "";
  let last = Number.NEGATIVE_INFINITY;
  for (const [at, value] of points) {
    if (value === null) continue;
    path += `${at - last > GAP_MS + (frame.toMs - frame.fromMs) / 200 ? "M" : "L"}${xOf(at, frame).toFixed(1)} ${yOf(value, frame).toFixed(1)}`;
    last = at;
  }
  return path;
}

/** The points with a `null` in every gap, so that a chart breaks its line there instead of inventing values. */
export function withGaps(points: readonly Point[], longestMs: number): Point[] {
  const full: Point[] = [];
  for (const point of points) {
    const last = full[full.length - 1];
    if (last && point[0] - last[0] > longestMs) full.push([last[0] + 1, null]);
    full.push(point);
  }
  return full;
}

/** Events that are drawn as flags on the time axis. */
export function markLabel(event: { type: string; marker_type?: string; label?: string }): string | null {
  if (event.type === "marker_added") return event.label || MARKER_WORDS[event.marker_type ?? ""] || event.marker_type || "Marker";
  return null;
}

export const MARKERS: readonly [string, string][] = [
  ["warmup_end", "Warm-up end"],
  ["main_workout_start", "Main set"],
  ["cooldown_start", "Cool-down"],
];
const MARKER_WORDS: Record<string, string> = Object.fromEntries(MARKERS);
