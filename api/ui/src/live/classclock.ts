// The class clock: how long the class has been going, without its pauses, and where it stands in its plan. Pure.
import type { Segment } from "../rest/types.js";
import type { SessionEvent } from "../ws/protocol.js";

export interface Pause {
  fromMs: number;
  /** `null` while it lasts. */
  toMs: number | null;
}

/** The pauses that the events tell of; a repeated pause or resume changes nothing. */
export function pauses(events: readonly SessionEvent[]): Pause[] {
  const found: Pause[] = [];
  for (const event of events) {
    const open = found.length > 0 && found[found.length - 1]!.toMs === null;
    if (event.type === "session_paused" && !open) found.push({ fromMs: event.event_time_ms, toMs: null });
    if (event.type === "session_resumed" && open) found[found.length - 1]!.toMs = event.event_time_ms;
  }
  return found;
}

/** Seconds on the class clock at `atMs`. */
export function elapsedS(startedAtMs: number, atMs: number, paused: readonly Pause[]): number {
  const stood = paused.reduce((sum, pause) => sum + Math.max(0, Math.min(pause.toMs ?? atMs, atMs) - Math.max(pause.fromMs, startedAtMs)), 0);
  return Math.max(0, (atMs - startedAtMs - stood) / 1000);
}

export interface PlanPlace {
  /** Position in the plan, or `null` when there is no plan or it is over. */
  index: number | null;
  leftS: number;
  next: Segment | null;
}

export function placeInPlan(segments: readonly Segment[], elapsed: number): PlanPlace {
  let end = 0;
  for (const [index, segment] of segments.entries()) {
    end += segment.duration_s;
    if (elapsed < end) return { index, leftS: end - elapsed, next: segments[index + 1] ?? null };
  }
  return { index: null, leftS: 0, next: null };
}
