// What a class came to: the A5 summary, waited for while the flow writes it.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Icon, type IconName } from "../components/Icon.js";
import { IntensityChart } from "../components/IntensityChart.js";
import { SummaryTable } from "../components/SummaryTable.js";
import { TopBar } from "../components/TopBar.js";
import { age, longDate, number, percent, timeOfDay, words } from "../format.js";
import { alertsOf, eventsOf, intensityOf, summaryOf } from "../rest/calls.js";
import { Problem } from "../rest/client.js";
import type { Finding, Point, Summary } from "../rest/types.js";
import type { Alert, SessionEvent } from "../ws/protocol.js";

const AGAIN_MS = 1500;

export function SummaryPage({ sessionId }: { sessionId: string }) {
  const summary = useSignal<Summary | null>(null);
  const pending = useSignal("");
  const trouble = useSignal("");
  useEffect(() => {
    document.title = "Summary · Paceline";
    return waitFor(sessionId, summary, pending, trouble);
  }, [sessionId]);
  return (
    <>
      <TopBar />
      {summary.value ? (
        <Shown summary={summary.value} />
      ) : (
        <main class="center">
          <h1>Summary</h1>
          {trouble.value ? (
            <p role="alert">{trouble.value}</p>
          ) : (
            <p class="muted" role="status">
              {pending.value || "Reading the summary…"}
            </p>
          )}
          <p>
            <a href="/">All classes</a>
          </p>
        </main>
      )}
    </>
  );
}

function waitFor(sessionId: string, summary: { value: Summary | null }, pending: { value: string }, trouble: { value: string }): () => void {
  let over = false;
  let timer = 0;
  const ask = async (): Promise<void> => {
    try {
      const found = await summaryOf(sessionId);
      if (!over) summary.value = found;
    } catch (problem) {
      if (over) return;
      const later = !(problem instanceof Problem) || problem.code === "summary_pending" || problem.status >= 500;
      pending.value = problem instanceof Problem && problem.code === "summary_pending" ? problem.message : "";
      if (later) timer = window.setTimeout(() => void ask(), AGAIN_MS);
      else trouble.value = problem instanceof Error ? problem.message : "The summary cannot be read";
    }
  };
  void ask();
  return () => {
    over = true;
    window.clearTimeout(timer);
  };
}

function Shown({ summary }: { summary: Summary }) {
  useEffect(() => {
    document.title = `${summary.class_name} · summary · Paceline`;
  }, []);
  return (
    <main class="summary">
      <header class="summary-head">
        <div>
          <h1>{summary.class_name}</h1>
          <p class="muted">
            {words(summary.class_type)} · {longDate(summary.started_at_ms)} · {timeOfDay(summary.started_at_ms)} to {timeOfDay(summary.ended_at_ms)}
          </p>
        </div>
        <button type="button" class="print-no" onClick={() => window.print()}>
          Print
        </button>
      </header>
      {summary.revision > 1 && <Correction summary={summary} />}
      <Tiles summary={summary} />
      <section class="findings" aria-label="Findings">
        <Findings title="Highlights" icon="star" list={summary.performance_highlights} empty="Nothing stood out this time." />
        <Findings title="Improvement areas" icon="up" list={summary.improvement_areas} empty="Nothing to improve was found." />
        <Findings title="Achievements" icon="check" list={summary.member_achievements} empty="No special achievements this time." />
      </section>
      <OverTime summary={summary} />
      <SummaryTable members={summary.members} />
    </main>
  );
}

function Correction({ summary }: { summary: Summary }) {
  return (
    <p class="notice">
      Corrected: revision {summary.revision}
      {summary.late_events > 0 ? `, with ${number(summary.late_events)} values that arrived late` : ""}.
      {(summary.corrections ?? []).map((one) => (
        <span key={one.revision} class="muted">
          {" "}
          Revision {one.revision}: {one.reason}.
        </span>
      ))}
    </p>
  );
}

function Tiles({ summary }: { summary: Summary }) {
  const { attendance, intensity } = summary;
  return (
    <section class="summary-tiles" aria-label="At a glance">
      <dl class="stat">
        <dt>Attendance</dt>
        <dd>
          <strong>{attendance.actual}</strong>
          <span class="of"> / {attendance.expected}</span>
          <span class="sub">{percent(attendance.expected ? attendance.actual / attendance.expected : null)}</span>
        </dd>
      </dl>
      <dl class="stat">
        <dt>Average intensity</dt>
        <dd>
          <strong>{number(intensity.average, 1)}</strong>
          <span class="of"> / 10</span>
        </dd>
      </dl>
      <dl class="stat">
        <dt>Duration</dt>
        <dd>
          <strong>{number(summary.duration_minutes)}</strong>
          <span class="of"> min</span>
        </dd>
      </dl>
      <Distribution distribution={intensity.distribution} />
    </section>
  );
}

const LEVELS = [
  ["low", "Low", "below 4"],
  ["medium", "Medium", "4 to 7"],
  ["high", "High", "from 7"],
] as const;

function Distribution({ distribution }: { distribution: Summary["intensity"]["distribution"] }) {
  return (
    <div class="distribution">
      <h2>How hard they worked</h2>
      <div class="dist-bar">
        {LEVELS.map(([level, word, range]) =>
          distribution[level] > 0 ? (
            <span key={level} class={`dist ${level}`} style={{ flexGrow: distribution[level] }}>
              <b>{distribution[level]}</b>
              <span>
                {word}
                <span class="wide-only"> · {range}</span>
              </span>
            </span>
          ) : null,
        )}
      </div>
    </div>
  );
}

function Findings({ title, icon, list, empty }: { title: string; icon: IconName; list: Finding[]; empty: string }) {
  return (
    <div class="panel finding">
      <h2>
        <Icon name={icon} /> {title}
      </h2>
      {list.length === 0 ? (
        <p class="muted">{empty}</p>
      ) : (
        <ul>
          {list.map((one, index) => (
            <li key={index}>{one.message}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function OverTime({ summary }: { summary: Summary }) {
  const points = useSignal<Point[]>([]);
  const events = useSignal<SessionEvent[]>([]);
  const alerts = useSignal<Alert[] | null>(null);
  useEffect(() => {
    const nothing = (): void => undefined;
    intensityOf(summary.session_id).then((found) => (points.value = found), nothing);
    eventsOf(summary.session_id).then((found) => (events.value = found), nothing);
    alertsOf(summary.session_id).then((found) => (alerts.value = found), nothing);
  }, [summary.session_id]);
  return (
    <div class="summary-two">
      <section class="panel" aria-labelledby="over-time">
        <h2 id="over-time">Intensity over the class</h2>
        <IntensityChart
          points={points.value}
          events={events.value}
          segments={[]}
          startedAtMs={summary.started_at_ms}
          toMs={summary.ended_at_ms}
          low={3}
          high={8}
          label={`Class intensity over time, on average ${number(summary.intensity.average, 1)} of 10`}
        />
      </section>
      <section class="panel" aria-labelledby="summary-alerts">
        <h2 id="summary-alerts">Alerts{alerts.value ? ` (${alerts.value.length})` : ""}</h2>
        {alerts.value?.length === 0 && <p class="muted">None. A quiet class.</p>}
        <ul class="summary-alerts" tabIndex={0} aria-labelledby="summary-alerts">
          {(alerts.value ?? []).map((alert) => (
            <SummaryAlert key={alert.alert_id} alert={alert} />
          ))}
        </ul>
      </section>
    </div>
  );
}

function SummaryAlert({ alert }: { alert: Alert }) {
  const lasted = (alert.cleared_at_ms ?? alert.updated_at_ms) - alert.raised_at_ms;
  return (
    <li class={alert.alert.severity}>
      <Icon name={alert.alert.severity} />
      <span>
        <strong>{alert.alert.severity}</strong> {alert.alert.message}
        <span class="muted">
          {" "}
          {timeOfDay(alert.raised_at_ms)} · {age(lasted)}
          {alert.acknowledged_by ? ` · ${alert.acknowledged_by}` : ""}
        </span>
      </span>
    </li>
  );
}
