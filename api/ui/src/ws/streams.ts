// A stream channel as its reader sees it: which message comes next, which is a double, where a hole begins.
import type { Position } from "./protocol.js";

export type Verdict = "apply" | "duplicate" | "hole";

/** Whether a message may be applied at this position. `previous` is null when the server does not know it. */
export function judge(position: Position | null, offset: number, previous: number | null): Verdict {
  if (position === null) return "apply";
  if (offset <= position.offset) return "duplicate";
  // A position read by REST may lie between two messages of this channel, so only a later `previous` proves a loss.
  return previous !== null && previous > position.offset ? "hole" : "apply";
}

/** The position after a message was applied or a state was read; offsets never go back within an epoch. */
export function advance(position: Position | null, epoch: string, offset: number): Position {
  if (position !== null && position.epoch === epoch) return { epoch, offset: Math.max(position.offset, offset) };
  return { epoch, offset };
}
