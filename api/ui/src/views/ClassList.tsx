// The classes a trainer may open: running ones first, then today's and coming ones, then what is over.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Icon } from "../components/Icon.js";
import { TopBar } from "../components/TopBar.js";
import { dayWord, duration, NONE, number, percent, timeOfDay, words } from "../format.js";
import { classes, pastSessions, startClass } from "../rest/calls.js";
import type { GymClass, PastSession } from "../rest/types.js";
import { navigate } from "../router.js";
import { attempt, mayLead } from "../state.js";

const POLL_MS = 5000;

export function ClassList() {
  const known = useSignal<GymClass[] | null>(null);
  const past = useSignal<PastSession[]>([]);
  const trouble = useSignal("");
  useEffect(() => {
    document.title = "Classes · Paceline";
    const load = async (): Promise<void> => {
      try {
        known.value = await classes();
        past.value = await pastSessions(20);
        trouble.value = "";
      } catch (problem) {
        trouble.value = problem instanceof Error ? problem.message : "The classes cannot be read";
      }
    };
    void load();
    const polling = window.setInterval(() => void load(), POLL_MS);
    return () => window.clearInterval(polling);
  }, []);
  const all = known.value ?? [];
  const running = all.filter((one) => one.session !== null);
  const waiting = all.filter((one) => one.session === null).sort((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at));
  return (
    <>
      <TopBar>{mayLead(undefined) && <a href="/straps">Straps</a>}</TopBar>
      <main class="classes">
        <h1>Classes</h1>
        {trouble.value && (
          <p class="notice bad" role="alert">
            {trouble.value}
          </p>
        )}
        {known.value === null && !trouble.value && <p class="muted">Reading the schedule…</p>}
        {running.length > 0 && <Section id="running" title="Running now" list={running} />}
        {known.value !== null && <Section id="schedule" title="Schedule" list={waiting} empty="No other class is planned." />}
        <Past sessions={past.value} />
      </main>
    </>
  );
}

function Section({ id, title, list, empty }: { id: string; title: string; list: GymClass[]; empty?: string }) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {list.length === 0 ? (
        <p class="muted">{empty}</p>
      ) : (
        <ul class="class-cards">
          {list.map((one) => (
            <ClassCard key={one.id} one={one} />
          ))}
        </ul>
      )}
    </section>
  );
}

function ClassCard({ one }: { one: GymClass }) {
  const starts = Date.parse(one.starts_at);
  return (
    <li class={one.session ? "class-card running" : "class-card"}>
      <div class="class-when">
        <strong>{timeOfDay(starts)}</strong>
        <span>{dayWord(starts, Date.now())}</span>
      </div>
      <div class="class-what">
        <h3>{one.name}</h3>
        <p class="muted">
          {words(one.class_type)} · {duration(one.planned_duration_s)} · {one.roster_count} on the roster
          {one.trainer ? ` · ${one.trainer.name}` : ""}
        </p>
        {one.session ? <Going session={one.session} /> : <Plan one={one} />}
      </div>
      <div class="class-actions">
        <ClassActions one={one} />
      </div>
    </li>
  );
}

function Going({ session }: { session: NonNullable<GymClass["session"]> }) {
  return (
    <p class="going">
      <span class="dot" aria-hidden="true" />
      {session.state === "paused" ? "Paused" : "Live"} since {timeOfDay(session.started_at_ms)}
    </p>
  );
}

function Plan({ one }: { one: GymClass }) {
  if (one.segments.length === 0) return null;
  return (
    <ol class="mini-plan">
      {one.segments.map((segment, index) => (
        <li key={index} style={{ flexGrow: segment.duration_s }}>
          <span>{segment.name}</span>
        </li>
      ))}
    </ol>
  );
}

function ClassActions({ one }: { one: GymClass }) {
  const busy = useSignal(false);
  const start = async (): Promise<void> => {
    busy.value = true;
    if (await attempt(startClass(one.id))) navigate(`/classes/${one.id}/live`);
    busy.value = false;
  };
  if (one.session) {
    return (
      <>
        <a class="button primary" href={`/classes/${one.id}/live`}>
          Open live<span class="sr"> {one.name}</span>
        </a>
        <a class="button" href={`/classes/${one.id}/wall`}>
          Wall<span class="sr"> {one.name}</span>
        </a>
      </>
    );
  }
  return (
    <>
      {mayLead(one.trainer?.id) && (
        <button type="button" class="primary" disabled={busy.value} onClick={() => void start()}>
          <Icon name="play" />
          {busy.value ? "Starting…" : "Start"}
          <span class="sr"> {one.name}</span>
        </button>
      )}
      {one.last_session_id && (
        <a class="button" href={`/sessions/${one.last_session_id}/summary`}>
          Last summary<span class="sr"> {one.name}</span>
        </a>
      )}
    </>
  );
}

function Past({ sessions }: { sessions: PastSession[] }) {
  const over = sessions.filter((one) => one.ended_at_ms !== null);
  return (
    <section aria-labelledby="past">
      <h2 id="past">Past sessions</h2>
      {over.length === 0 ? (
        <p class="muted">Nothing yet. When a class ends, its summary is kept here.</p>
      ) : (
        <div class="table-box" tabIndex={0} role="region" aria-label="Table of past sessions">
          <table>
            <thead>
              <tr>
                <th scope="col">Class</th>
                <th scope="col">When</th>
                <th scope="col" class="num">Duration</th>
                <th scope="col" class="num">Attended</th>
                <th scope="col" class="num">Intensity</th>
              </tr>
            </thead>
            <tbody>
              {over.map((one) => (
                <PastRow key={one.session_id} one={one} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function PastRow({ one }: { one: PastSession }) {
  return (
    <tr>
      <th scope="row">
        <a href={`/sessions/${one.session_id}/summary`}>{one.class_name}</a>
      </th>
      <td>
        {dayWord(one.started_at_ms, Date.now())} {timeOfDay(one.started_at_ms)}
      </td>
      <td class="num">{one.ended_at_ms === null ? NONE : duration((one.ended_at_ms - one.started_at_ms) / 1000)}</td>
      <td class="num">
        {number(one.attended)} / {one.expected} <span class="muted">({percent(one.attended !== null && one.expected ? one.attended / one.expected : null)})</span>
      </td>
      <td class="num">{number(one.average_intensity, 1)}</td>
    </tr>
  );
}
