// What happened and what was said, as one list, newest first. Pure.
import type { ChatMessage, SessionEvent } from "../ws/protocol.js";

export type TimelineEntry = { key: string; atMs: number; event: SessionEvent } | { key: string; atMs: number; said: ChatMessage };

export function timeline(events: readonly SessionEvent[], messages: readonly ChatMessage[]): TimelineEntry[] {
  const happened: TimelineEntry[] = events.map((event) => ({ key: event.event_id, atMs: event.event_time_ms, event }));
  const said: TimelineEntry[] = messages.map((one) => ({ key: one.message.id, atMs: Date.parse(one.timestamp), said: one }));
  return [...happened, ...said].reverse().sort((a, b) => b.atMs - a.atMs);
}
