// The members of a finished class as a sortable table.
import { useSignal } from "@preact/signals";
import { duration, number } from "../format.js";
import { ZONE_NUMBERS, zoneWord } from "../live/zones.js";
import { ZoneLegend } from "./Overview.js";
import type { SummaryMember } from "../rest/types.js";

type Column = keyof SummaryMember;

const COLUMNS: readonly [Column, string, 0 | 1][] = [
  ["heart_rate_avg_bpm", "Avg HR", 0],
  ["heart_rate_max_bpm", "Max HR", 0],
  ["intensity", "Intensity", 1],
  ["effort_points", "Effort points", 0],
  ["trimp", "TRIMP", 0],
  ["energy_kcal", "kcal", 0],
  ["power_avg_watts", "Avg W", 0],
  ["alerts", "Alerts", 0],
];

const byName = new Intl.Collator("en").compare;

export function sorted(members: readonly SummaryMember[], column: Column, down: boolean): SummaryMember[] {
  const value = (member: SummaryMember): number | null => {
    const found = member[column];
    return typeof found === "number" ? found : null;
  };
  return members.slice().sort((a, b) => {
    if (a.attended !== b.attended) return a.attended ? -1 : 1;
    const tie = byName(a.member_name, b.member_name);
    if (column === "member_name") return down ? -tie : tie;
    const [left, right] = [value(a), value(b)];
    if (left === null || right === null) return left === right ? tie : left === null ? 1 : -1;
    return (down ? right - left : left - right) || tie;
  });
}

export function SummaryTable({ members }: { members: SummaryMember[] }) {
  const column = useSignal<Column>("intensity");
  const down = useSignal(true);
  const columns = COLUMNS.filter(([name]) => members.some((member) => member[name] !== null && member[name] !== undefined));
  const by = (name: Column): void => {
    if (column.value === name) down.value = !down.value;
    else {
      column.value = name;
      down.value = name !== "member_name";
    }
  };
  const head = (name: Column, word: string, numeric: boolean) => (
    <th key={name} scope="col" class={numeric ? "num" : ""} aria-sort={column.value === name ? (down.value ? "descending" : "ascending") : "none"}>
      <button type="button" class="sorter" onClick={() => by(name)}>
        {word}
        <span aria-hidden="true">{column.value === name ? (down.value ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  );
  return (
    <section aria-labelledby="members-title">
      <div class="members-head">
        <h2 id="members-title">Members</h2>
        <ZoneLegend />
      </div>
      <div class="table-box" tabIndex={0} role="region" aria-label="Table of members">
        <table class="members">
          <thead>
            <tr>
              {head("member_name", "Member", false)}
              <th scope="col">Time in zones</th>
              {columns.map(([name, word]) => head(name, word, true))}
            </tr>
          </thead>
          <tbody>
            {sorted(members, column.value, down.value).map((member) => (
              <Row key={member.member_id} member={member} columns={columns} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ member, columns }: { member: SummaryMember; columns: typeof COLUMNS }) {
  return (
    <tr class={member.attended ? "" : "absent"}>
      <th scope="row">{member.member_name}</th>
      {member.attended ? (
        <>
          <td>
            <ZoneStrip seconds={member.zone_s} />
          </td>
          {columns.map(([name, , digits]) => (
            <td key={name} class="num">
              {number(member[name] as number | null, digits)}
            </td>
          ))}
        </>
      ) : (
        <td colSpan={columns.length + 1} class="muted">
          did not come
        </td>
      )}
    </tr>
  );
}

function ZoneStrip({ seconds }: { seconds: readonly number[] }) {
  const label = ZONE_NUMBERS.filter((zone) => (seconds[zone] ?? 0) > 0).map((zone) => `${zoneWord(zone)} ${duration(seconds[zone]!)}`).join(", ");
  return (
    <span class="zone-strip" role="img" aria-label={label || "no time in zones"} title={label}>
      {ZONE_NUMBERS.map((zone) => ((seconds[zone] ?? 0) > 0 ? <span key={zone} data-zone={zone} style={{ flexGrow: seconds[zone]! }} /> : null))}
    </span>
  );
}
