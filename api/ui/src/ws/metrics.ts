// The metrics channel as its reader sees it: the newest rows, made of keyframes and deltas. Pure.
import type { ClassMetrics, MemberRow, MetricsUpdate, SessionState } from "./protocol.js";

export interface MetricsView {
  version: number;
  rows: MemberRow[];
  classMetrics: ClassMetrics | null;
  sessionState: SessionState;
  eventTimeMs: number;
  receivedTimeMs: number;
}

export interface Applied {
  view: MetricsView;
  /** Positions of rows that are new objects. */
  changed: number[];
  /** Whether the list of members itself is another one. */
  reshaped: boolean;
}

/** The view after an update, or `null` when the update does not fit and a keyframe is needed. */
export function applyMetrics(view: MetricsView | null, update: MetricsUpdate): Applied | null {
  if (update.kind === "key") return applyKey(view, update);
  if (view === null || (update.from ?? update.version - 1) !== view.version) return null;
  if (update.rows.some((row) => view.rows[row] === undefined)) return null;
  const rows = view.rows.slice();
  update.rows.forEach((position, index) => {
    rows[position] = patched(rows[position]!, update.columns, index);
  });
  return { view: { ...header(update), rows }, changed: update.rows, reshaped: false };
}

function applyKey(view: MetricsView | null, update: MetricsUpdate): Applied {
  const rows = update.members.map((member_id, index) => {
    const blank: MemberRow = { member_id, name: update.names[index] ?? `Member ${member_id}`, state: "no_strap" };
    return patched(blank, update.columns, index);
  });
  const before = view?.rows ?? [];
  const reshaped = before.length !== rows.length || rows.some((row, i) => row.member_id !== before[i]!.member_id || row.name !== before[i]!.name);
  return { view: { ...header(update), rows }, changed: rows.map((_, i) => i), reshaped };
}

function patched(row: MemberRow, columns: Record<string, unknown[]>, index: number): MemberRow {
  const next: Record<string, unknown> = { ...row };
  for (const name in columns) next[name] = columns[name]![index] ?? null;
  return next as unknown as MemberRow;
}

function header(update: MetricsUpdate): Omit<MetricsView, "rows"> {
  return {
    version: update.version,
    classMetrics: update.class_metrics,
    sessionState: update.session_state,
    eventTimeMs: update.event_time_ms,
    receivedTimeMs: update.received_time_ms,
  };
}
