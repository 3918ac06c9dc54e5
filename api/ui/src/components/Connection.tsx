// How fresh the page is, in words: live with its lag, quiet, reconnecting, closed.
import { age, lag } from "../format.js";
import type { LiveStore } from "../live/store.js";
import type { ClosedReason, Status } from "../ws/connection.js";

export interface Freshness {
  kind: "good" | "waiting" | "bad";
  words: string;
}

const QUIET_AFTER_MS = 8000;
const SLOW_MS = 1500;
const CLOSED: Record<ClosedReason, string> = {
  stopped: "closed",
  signed_out: "signed out",
  forbidden: "not allowed",
  protocol: "page is out of date: reload",
};

export function freshness(status: Status, lagMs: number | null, newestDataMs: number, serverNowMs: number): Freshness {
  const since = newestDataMs === 0 ? "" : ` · last data ${age(serverNowMs - newestDataMs)} ago`;
  if (status.phase === "closed") return { kind: "bad", words: CLOSED[status.reason ?? "stopped"] };
  if (status.phase === "connecting") return { kind: "waiting", words: "connecting…" };
  if (status.phase === "reconnecting") return { kind: "bad", words: `reconnecting…${since}` };
  if (newestDataMs === 0 || lagMs === null) return { kind: "waiting", words: "connected · no data yet" };
  if (serverNowMs - newestDataMs > QUIET_AFTER_MS) return { kind: "waiting", words: `connected${since}` };
  return { kind: lagMs > SLOW_MS ? "waiting" : "good", words: `live · ${lag(lagMs)}` };
}

export function Connection({ store }: { store: LiveStore }) {
  const now = freshness(store.status.value, store.lagMs.value, store.newestDataMs.value, store.nowMs.value);
  return (
    <span class={`connection ${now.kind}`} title="Time from the gym's gateway to this screen">
      <span class="dot" aria-hidden="true" />
      <span class="sr">Connection: </span>
      {now.words}
    </span>
  );
}
