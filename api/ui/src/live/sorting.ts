// Which members are shown and in which order. Pure.
import type { MemberRow, MemberState, Severity } from "../ws/protocol.js";

export type Sort = "attention" | "name" | "zone" | "intensity";
export type Filter = "all" | "attention" | "live" | "silent" | `zone${number}`;

export interface Listed {
  row: MemberRow;
  state: MemberState;
  attention: Severity | undefined;
}

export const SORTS: readonly [Sort, string][] = [
  ["attention", "Attention first"],
  ["name", "Name"],
  ["zone", "Zone"],
  ["intensity", "Intensity"],
];
export const FILTERS: readonly [Filter, string][] = [
  ["all", "Everyone"],
  ["attention", "Needs attention"],
  ["live", "Live"],
  ["silent", "Stale, no strap or left"],
  ["zone5", "Zone 5"],
  ["zone4", "Zone 4"],
  ["zone3", "Zone 3"],
  ["zone2", "Zone 2"],
  ["zone1", "Zone 1"],
  ["zone0", "Zone 0"],
];

const PRESENT: Record<MemberState, number> = { live: 0, stale: 0, no_strap: 1, left: 2 };
const WEIGHT: Record<Severity, number> = { critical: 3, warning: 2, info: 1 };
const byName = new Intl.Collator("en").compare;

export function keeps(listed: Listed, filter: Filter, text: string): boolean {
  if (text !== "" && !listed.row.name.toLocaleLowerCase().includes(text.toLocaleLowerCase())) return false;
  if (filter === "all") return true;
  if (filter === "attention") return listed.attention !== undefined;
  if (filter === "live") return listed.state === "live";
  if (filter === "silent") return listed.state !== "live";
  return listed.state === "live" && listed.row.zone === Number(filter.slice(4));
}

/** A comparison that puts those who are not there last, and breaks ties by name, so that cards do not jump. */
export function order(sort: Sort): (a: Listed, b: Listed) => number {
  return (a, b) => {
    const present = PRESENT[a.state] - PRESENT[b.state];
    if (sort === "attention") return weight(b) - weight(a) || present || byName(a.row.name, b.row.name);
    if (sort === "name") return byName(a.row.name, b.row.name);
    const value = sort === "zone" ? (listed: Listed) => listed.row.zone ?? -1 : (listed: Listed) => listed.row.intensity_60s ?? listed.row.intensity ?? -1;
    return present || value(b) - value(a) || byName(a.row.name, b.row.name);
  };
}

function weight(listed: Listed): number {
  return listed.attention ? WEIGHT[listed.attention] : 0;
}
