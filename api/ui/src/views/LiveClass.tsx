// Finds the running session of a class and joins it; shows the trainer's page or the wall, or that nothing runs.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { TopBar } from "../components/TopBar.js";
import { Icon } from "../components/Icon.js";
import { joinSession, type JoinedSession } from "../live/session.js";
import { gymClass, startClass } from "../rest/calls.js";
import { Problem } from "../rest/client.js";
import type { GymClass } from "../rest/types.js";
import { attempt, mayLead } from "../state.js";
import { TrainerScreen } from "./TrainerScreen.js";
import { WallScreen } from "./WallScreen.js";

const LOOK_EVERY_MS = 3000;

export function LiveClass({ classId, wall }: { classId: number; wall: boolean }) {
  const found = useSignal<GymClass | null>(null);
  const joined = useSignal<JoinedSession | null>(null);
  const trouble = useSignal("");
  const again = useSignal(0);
  useEffect(() => watch(classId, found, joined, trouble), [classId, again.value]);
  if (joined.value) {
    const { store } = joined.value;
    const next = (): void => void (again.value += 1);
    return wall ? <WallScreen store={store} classId={classId} onOver={next} /> : <TrainerScreen store={store} classId={classId} />;
  }
  if (trouble.value) return <Waiting title="This class cannot be opened" text={trouble.value} />;
  if (found.value === null) return <Waiting title="Opening the class…" text="" />;
  return <NotRunning one={found.value} wall={wall} onStarted={() => (again.value += 1)} />;
}

/** Looks for a running session until there is one, joins it, and leaves it in the end. */
function watch(classId: number, found: { value: GymClass | null }, joined: { value: JoinedSession | null }, trouble: { value: string }): () => void {
  let over = false;
  let timer = 0;
  const look = async (): Promise<void> => {
    try {
      const one = await gymClass(classId);
      if (over) return;
      found.value = one;
      trouble.value = "";
      if (one.session === null) throw new NothingRuns();
      const session = await joinSession(one.session.session_id);
      if (over) session.leave();
      else joined.value = session;
    } catch (problem) {
      if (over) return;
      const gone = problem instanceof Problem && (problem.status === 404 || problem.status === 403);
      if (!(problem instanceof NothingRuns)) trouble.value = problem instanceof Error ? problem.message : "The server does not answer";
      if (!gone) timer = window.setTimeout(() => void look(), LOOK_EVERY_MS);
    }
  };
  void look();
  return () => {
    over = true;
    window.clearTimeout(timer);
    joined.value?.leave();
    joined.value = null;
  };
}

class NothingRuns extends Error {}

function Waiting({ title, text }: { title: string; text: string }) {
  return (
    <>
      <TopBar />
      <main class="center">
        <h1>{title}</h1>
        {text && <p role="alert">{text}</p>}
        <p>
          <a href="/">All classes</a>
        </p>
      </main>
    </>
  );
}

function NotRunning({ one, wall, onStarted }: { one: GymClass; wall: boolean; onStarted: () => void }) {
  useEffect(() => {
    document.title = `${one.name} · Paceline`;
  }, [one.name]);
  const start = async (): Promise<void> => {
    if (await attempt(startClass(one.id))) onStarted();
  };
  return (
    <>
      <TopBar />
      <main class="center">
        <h1>{one.name}</h1>
        <p class="muted">This class is not running. The page opens by itself when it starts.</p>
        <div class="row">
          {!wall && mayLead(one.trainer?.id) && (
            <button type="button" class="primary big" onClick={() => void start()}>
              <Icon name="play" /> Start class
            </button>
          )}
          {one.last_session_id && (
            <a class="button" href={`/sessions/${one.last_session_id}/summary`}>
              Last summary
            </a>
          )}
          <a class="button" href="/">
            All classes
          </a>
        </div>
      </main>
    </>
  );
}
