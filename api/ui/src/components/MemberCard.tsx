// One member on the trainer's grid: number, zone in colour and word and number, trend, ages, states that do not need colour.
import { useComputed, type ReadonlySignal } from "@preact/signals";
import { age, number, pace, percent, timeOfDay } from "../format.js";
import { ageShownS, newestValueMs, shareOfMaximum, stateNow, trend } from "../live/rows.js";
import { sparkPath } from "../live/spark.js";
import type { LiveStore, MemberCell } from "../live/store.js";
import { zoneWord } from "../live/zones.js";
import type { MemberRow, MemberState, Severity } from "../ws/protocol.js";
import { Icon, type IconName } from "./Icon.js";

interface Props {
  store: LiveStore;
  cell: MemberCell;
  maximumBpm: number | undefined;
  /** One card of the grid is a tab stop; arrow keys go on from there. */
  tabStop: boolean;
  onOpen: (memberId: number) => void;
}

export function MemberCard({ store, cell, maximumBpm, tabStop, onOpen }: Props) {
  const state = useComputed(() => stateNow(cell.row.value, store.nowMs.value));
  const attention = useComputed(() => store.attention.value.get(cell.id));
  const row = cell.row.value;
  return (
    <li class="card" data-state={state.value} data-zone={shownZone(row, state.value)} data-attention={attention.value}>
      <button type="button" class="card-button" data-member={cell.id} tabIndex={tabStop ? 0 : -1} onClick={() => onOpen(cell.id)}>
        <span class="card-main">
          <Reading row={row} state={state.value} nowMs={store.nowMs} />
        </span>
        <span class="card-side">
          <span class="card-name">
            <span class="name">{row.name}</span>
            {attention.value && <Attention severity={attention.value} />}
          </span>
          <Spark cell={cell} />
          <Facts row={row} state={state.value} maximumBpm={maximumBpm} nowMs={store.nowMs} />
        </span>
      </button>
    </li>
  );
}

export const shownZone = (row: MemberRow, state: MemberState): number | undefined => (state === "live" ? (row.zone ?? undefined) : undefined);

function Reading({ row, state, nowMs }: { row: MemberRow; state: MemberState; nowMs: ReadonlySignal<number> }) {
  if (state === "no_strap") return <Silent icon="nostrap" word="No strap" />;
  if (state === "left") return <Silent icon="left" word="Left" at={newestValueMs(row)} />;
  const heading = state === "live" ? trend(row) : null;
  return (
    <>
      <span class="bpm">
        {number(row.heart_rate_bpm)}
        <span class="sr"> beats per minute</span>
        {heading && <TrendMark heading={heading} />}
      </span>
      {state === "live" ? <ZoneLine zone={row.zone} /> : <StaleLine at={newestValueMs(row)} nowMs={nowMs} />}
    </>
  );
}

function Silent({ icon, word, at }: { icon: IconName; word: string; at?: number | null }) {
  return (
    <>
      <Icon name={icon} class="silent-icon" />
      <span class="state-word">
        {word}
        {at ? ` ${timeOfDay(at)}` : ""}
      </span>
    </>
  );
}

export function ZoneLine({ zone }: { zone: number | null | undefined }) {
  if (zone === null || zone === undefined) return <span class="zone-line">No zone</span>;
  return (
    <span class="zone-line">
      <Ladder zone={zone} />
      <span class="zone-number">
        <span class="sr">, zone </span>
        {zone}
      </span>{" "}
      <span class="zone-word">{zoneWord(zone)}</span>
    </span>
  );
}

/** Five rungs, as many filled as the zone's number: the zone without its colour. */
export function Ladder({ zone }: { zone: number }) {
  return (
    <svg class="ladder" viewBox="0 0 29 12" aria-hidden="true">
      {[1, 2, 3, 4, 5].map((rung) => (
        <rect key={rung} x={(rung - 1) * 6} y={10 - rung * 2} width="4" height={2 + rung * 2} rx="0.8" class={rung <= zone ? "on" : "off"} />
      ))}
    </svg>
  );
}

function StaleLine({ at, nowMs }: { at: number | null; nowMs: ReadonlySignal<number> }) {
  return <span class="state-word">Stale{at === null ? "" : ` · ${age(nowMs.value - at)}`}</span>;
}

const TRENDS: Record<"rising" | "falling" | "steady", IconName> = { rising: "up", falling: "down", steady: "flat" };

export function TrendMark({ heading }: { heading: "rising" | "falling" | "steady" }) {
  return (
    <span class={`trend ${heading}`}>
      <Icon name={TRENDS[heading]} />
      <span class="sr">, {heading}</span>
    </span>
  );
}

function Attention({ severity }: { severity: Severity }) {
  return (
    <span class={`attention ${severity}`}>
      <Icon name={severity} />
      <span class="sr">{severity} alert</span>
    </span>
  );
}

function Spark({ cell }: { cell: MemberCell }) {
  const path = useComputed(() => (cell.historyVersion.value, sparkPath(cell.history, 100, 24)));
  return (
    <svg class="spark" viewBox="-1 -1 102 26" preserveAspectRatio="none" aria-hidden="true">
      <path d={path.value} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

function Facts({ row, state, maximumBpm, nowMs }: { row: MemberRow; state: MemberState; maximumBpm: number | undefined; nowMs: ReadonlySignal<number> }) {
  if (state === "no_strap" || state === "left") return null;
  const share = shareOfMaximum(row, maximumBpm);
  return (
    <span class="facts">
      {share !== null && (
        <span class="fact share">
          {percent(share)}
          <span class="sr"> of maximum</span>
          {state === "live" && <Age at={row.heart_rate_at_ms} nowMs={nowMs} />}
        </span>
      )}
      <Fact value={row.power_watts} unit="W" at={row.power_at_ms} nowMs={nowMs} />
      <Fact value={row.cadence_rpm} unit="rpm" at={row.cadence_at_ms} nowMs={nowMs} />
      {row.pace_s_per_km ? <Fact text={pace(row.pace_s_per_km)} unit="/km" at={row.speed_at_ms} nowMs={nowMs} /> : null}
    </span>
  );
}

interface FactProps {
  value?: number | null | undefined;
  text?: string;
  unit: string;
  at: number | null | undefined;
  nowMs: ReadonlySignal<number>;
}

function Fact({ value, text, unit, at, nowMs }: FactProps) {
  if (text === undefined && (value === null || value === undefined)) return null;
  return (
    <span class="fact">
      {text ?? number(value)}
      <span class="unit"> {unit}</span>
      <Age at={at} nowMs={nowMs} />
    </span>
  );
}

/** How old the value before it is; nothing while it is fresh. */
function Age({ at, nowMs }: { at: number | null | undefined; nowMs: ReadonlySignal<number> }) {
  const seconds = ageShownS(at, nowMs.value);
  if (seconds === null) return null;
  return <span class="age"> {age(seconds * 1000)} ago</span>;
}
