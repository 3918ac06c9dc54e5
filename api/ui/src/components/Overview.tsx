// The class at a glance: clock, place in the plan, attendance, intensity, who is in which zone.
import { duration, number, percent, timeWithSeconds } from "../format.js";
import { placeInPlan } from "../live/classclock.js";
import type { LiveStore } from "../live/store.js";
import { ZONE_NUMBERS, zoneWord } from "../live/zones.js";
import type { ClassMetrics } from "../ws/protocol.js";

export function Overview({ store }: { store: LiveStore }) {
  const metrics = store.classMetrics.value;
  const old = asOf(store);
  return (
    <section class={old ? "overview old" : "overview"} aria-label="Class overview">
      <Clock store={store} />
      <PlanBar store={store} />
      <dl class="stat attendance">
        <dt>Present</dt>
        <dd>
          <strong>{metrics ? metrics.active_members : "–"}</strong>
          <span class="of"> / {metrics?.expected ?? store.record.participants?.length ?? "–"}</span>
          <span class="sub">{old ?? `${percent(metrics?.attendance_rate)} came`}</span>
        </dd>
      </dl>
      <IntensityStat metrics={metrics} store={store} />
      <ZoneBar counts={metrics?.zone_counts ?? [0, 0, 0, 0, 0, 0]} />
    </section>
  );
}

/** Of when the class's figures are, once they are not of now any more. */
function asOf(store: LiveStore): string | null {
  return store.oldSinceMs.value === null ? null : `as of ${timeWithSeconds(store.oldSinceMs.value)}`;
}

function Clock({ store }: { store: LiveStore }) {
  const planned = store.record.planned_duration_s ?? 3600;
  const left = planned - store.elapsedS.value;
  const paused = store.sessionState.value === "paused";
  return (
    <dl class={paused ? "stat clock paused" : "stat clock"}>
      <dt>{paused ? "Paused at" : left >= 0 ? "Time left" : "Over time"}</dt>
      <dd>
        <strong>{paused ? duration(store.elapsedS.value) : duration(Math.abs(left))}</strong>
        <span class="sub">
          {duration(store.elapsedS.value)} of {duration(planned)}
        </span>
      </dd>
    </dl>
  );
}

export function PlanBar({ store }: { store: LiveStore }) {
  const segments = store.record.segments ?? [];
  const planned = store.record.planned_duration_s ?? 3600;
  const elapsed = store.elapsedS.value;
  const place = placeInPlan(segments, elapsed);
  const current = place.index === null ? undefined : segments[place.index];
  const total = Math.max(planned, segments.reduce((sum, segment) => sum + segment.duration_s, 0));
  return (
    <div class="plan">
      <p class="plan-now">
        <strong>{current ? current.name : segments.length > 0 ? "Plan done" : "Free class"}</strong>
        {current && <span class="plan-left">{duration(place.leftS)} left</span>}
        {place.next && <span class="plan-next">then {place.next.name}</span>}
      </p>
      <div class="plan-bar" role="progressbar" aria-label="Progress through the class" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.min(100, Math.round((elapsed / total) * 100))}>
        {segments.map((segment, index) => (
          <span key={index} class={index === place.index ? "plan-part now" : "plan-part"} style={{ flexGrow: segment.duration_s }}>
            <span>{segment.name}</span>
          </span>
        ))}
        {segments.length === 0 && <span class="plan-part now" style={{ flexGrow: 1 }} />}
        <span class="plan-done" style={{ width: `${Math.min(100, (elapsed / total) * 100)}%` }} />
      </div>
    </div>
  );
}

function IntensityStat({ metrics, store }: { metrics: ClassMetrics | null; store: LiveStore }) {
  const value = metrics?.avg_intensity_60s ?? null;
  const low = store.record.limits?.intensity_low ?? 3;
  const high = store.record.limits?.intensity_high ?? 8;
  const word = value === null ? "" : value < low ? "too low" : value > high ? "too high" : "in range";
  return (
    <dl class={`stat intensity-stat ${word.replace(" ", "-")}`}>
      <dt>Intensity</dt>
      <dd>
        <strong>{number(value, 1)}</strong>
        <span class="of"> / 10</span>
        <span class="sub">{asOf(store) ?? (word || "last minute")}</span>
      </dd>
    </dl>
  );
}

/** Who is in which zone as one bar; zone and count stand in each part, the words below. */
export function ZoneBar({ counts }: { counts: readonly number[] }) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return (
    <div class="zones" role="img" aria-label={ZONE_NUMBERS.map((zone) => `${counts[zone] ?? 0} in zone ${zone} ${zoneWord(zone)}`).join(", ")}>
      <div class="zones-bar">
        {total === 0 && <span class="zones-none">nobody measured yet</span>}
        {ZONE_NUMBERS.map((zone) =>
          counts[zone] ? (
            <span key={zone} class="zones-part" data-zone={zone} style={{ flexGrow: counts[zone] }}>
              <small>Z{zone}</small>
              <b>{counts[zone]}</b>
            </span>
          ) : null,
        )}
      </div>
      <ZoneLegend counts={counts} />
    </div>
  );
}

/** Which colour is which zone. Zones that nobody is in are written softly. */
export function ZoneLegend({ counts }: { counts?: readonly number[] }) {
  return (
    <div class="zones-legend" aria-hidden="true">
      {ZONE_NUMBERS.map((zone) => (
        <span key={zone} class={counts && !counts[zone] ? "key none" : "key"}>
          <i data-zone={zone} />
          {zone} {zoneWord(zone)}
        </span>
      ))}
    </div>
  );
}
