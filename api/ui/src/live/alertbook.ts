// The alerts of a session: newest version of each, in the order in which a trainer should read them. Pure.
import type { Alert, Severity } from "../ws/protocol.js";

export type AlertBook = ReadonlyMap<string, Alert>;

const WEIGHT: Record<Severity, number> = { critical: 2, warning: 1, info: 0 };

/** The book with this alert in it; the same book when a newer version is already there. */
export function put(book: AlertBook, alert: Alert): AlertBook {
  const known = book.get(alert.alert_id);
  if (known && known.version >= alert.version) return book;
  return new Map(book).set(alert.alert_id, alert);
}

export function putAll(book: AlertBook, alerts: Alert[]): AlertBook {
  return alerts.reduce(put, book);
}

export const isOpen = (alert: Alert): boolean => alert.state === "active" && alert.acknowledged_at_ms === null;

export interface Sections {
  /** Active and nobody has acknowledged them: most severe first, then longest standing. */
  open: Alert[];
  /** Active, and somebody is on it. */
  acknowledged: Alert[];
  /** Over, newest first. */
  cleared: Alert[];
}

export function sections(book: AlertBook): Sections {
  const all = [...book.values()];
  const urgent = (a: Alert, b: Alert): number =>
    WEIGHT[b.alert.severity] - WEIGHT[a.alert.severity] || a.raised_at_ms - b.raised_at_ms || a.alert_id.localeCompare(b.alert_id);
  return {
    open: all.filter(isOpen).sort(urgent),
    acknowledged: all.filter((alert) => alert.state === "active" && !isOpen(alert)).sort(urgent),
    cleared: all.filter((alert) => alert.state === "cleared").sort((a, b) => (b.cleared_at_ms ?? b.updated_at_ms) - (a.cleared_at_ms ?? a.updated_at_ms)),
  };
}

/** Per member the worst alert that is still active: the attention mark on the card. */
export function attention(book: AlertBook): ReadonlyMap<number, Severity> {
  const worst = new Map<number, Severity>();
  for (const alert of book.values()) {
    if (alert.state !== "active" || alert.member_id === null) continue;
    const known = worst.get(alert.member_id);
    if (known === undefined || WEIGHT[known] < WEIGHT[alert.alert.severity]) worst.set(alert.member_id, alert.alert.severity);
  }
  return worst;
}
