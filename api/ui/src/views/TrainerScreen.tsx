// The trainer's page of a running class: overview, members, alerts, timeline, controls.
import { useSignal, useSignalEffect, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { acknowledgeAlert, AlertBar, AlertsPanel, useAlertSpeaker } from "../components/AlertsPanel.js";
import { Connection } from "../components/Connection.js";
import { Controls, useControls } from "../components/Controls.js";
import { Confirm } from "../components/Dialog.js";
import { HelpDialog } from "../components/HelpDialog.js";
import { Icon, type IconName } from "../components/Icon.js";
import { LivePath, pathWords, useLivePath, type PathWords } from "../components/LivePath.js";
import { MemberDialog } from "../components/MemberDialog.js";
import { MemberGrid } from "../components/MemberGrid.js";
import { addressee, SAY_ID, useMessageSpeaker } from "../components/Messages.js";
import { Overview } from "../components/Overview.js";
import { TimelinePanel, WRITE_ID, writing } from "../components/TimelinePanel.js";
import { TopBar } from "../components/TopBar.js";
import { words } from "../format.js";
import { useKeys } from "../keys.js";
import { MARKERS } from "../live/chart.js";
import { SORTS, type Filter, type Sort } from "../live/sorting.js";
import type { LiveStore } from "../live/store.js";
import { addMarker } from "../rest/calls.js";
import type { LivePathState } from "../rest/types.js";
import { navigate } from "../router.js";
import { attempt, mayLead } from "../state.js";

type Panel = "members" | "alerts" | "timeline";
const PANELS: readonly [Panel, string, IconName][] = [
  ["members", "Members", "people"],
  ["alerts", "Alerts", "bell"],
  ["timeline", "Timeline", "flag"],
];

export function TrainerScreen({ store, classId }: { store: LiveStore; classId: number }) {
  const leads = mayLead(store.record.trainer_id);
  const choice = { sort: useSignal<Sort>("attention"), filter: useSignal<Filter>("all"), text: useSignal("") };
  const panel = useSignal<Panel>("members");
  const opened = useSignal<number | null>(null);
  const help = useSignal(false);
  const under = useSignal<ReadonlySet<string>>(new Set());
  const controls = useControls(store, classId);
  const path = useLivePath().value;
  const open = (id: number): void => void (opened.value = id);
  useTitle(store);
  useAlertSpeaker(store);
  useMessageSpeaker(store);
  const unread = useUnread(store, panel);
  useEnd(store);
  useShortcuts(store, classId, leads, controls, choice.sort, under, help);
  const cell = store.cells.value.find((one) => one.id === opened.value);
  return (
    <div class="trainer" data-panel={panel.value}>
      <SkipLinks />
      <TopBar>
        <ClassTitle store={store} />
        <Connection store={store} />
        <LivePath path={path} />
        <Controls controls={controls} leads={leads} classId={classId} onHelp={() => (help.value = true)} />
      </TopBar>
      <main class="trainer-main">
        <h1 class="sr">{store.record.class_name}, live</h1>
        <Overview store={store} />
        <AlertBar store={store} under={under} leads={leads} onAll={() => (panel.value = "alerts")} />
        <Notices store={store} pathWarning={pathWords(path)} />
        <MemberGrid store={store} choice={choice} onOpen={open} />
        <div class="side">
          <AlertsPanel store={store} under={under} leads={leads} onOpen={open} deaf={cutOff(store, path)} />
          <TimelinePanel store={store} leads={leads} />
        </div>
      </main>
      <PhoneTabs store={store} panel={panel} unread={unread.value} />
      {cell && <MemberDialog store={store} cell={cell} leads={leads} onClose={() => (opened.value = null)} />}
      {controls.asking.value && (
        <Confirm title="End this class?" confirm="End class" onConfirm={controls.end} onClose={() => (controls.asking.value = false)}>
          <p>Collecting stops for everybody, and the summary is written. This cannot be undone.</p>
        </Confirm>
      )}
      {help.value && <HelpDialog onClose={() => (help.value = false)} />}
    </div>
  );
}

function cutOff(store: LiveStore, path: LivePathState | null): boolean {
  const { phase, reason } = store.status.value;
  return phase === "reconnecting" || (phase === "closed" && reason !== "stopped") || path?.state === "missing";
}

function ClassTitle({ store }: { store: LiveStore }) {
  return (
    <p class="class-title">
      <strong>{store.record.class_name}</strong>
      <span class="muted">
        {words(store.record.class_type)}
        {store.record.trainer_name ? ` · ${store.record.trainer_name}` : ""}
      </span>
    </p>
  );
}

function SkipLinks() {
  return (
    <nav class="skip" aria-label="Skip">
      <a href="#members">To the members</a>
      <a href="#alerts">To the alerts</a>
      <a href="#timeline">To the timeline</a>
    </nav>
  );
}

function Notices({ store, pathWarning }: { store: LiveStore; pathWarning: PathWords | null }) {
  const status = store.status.value;
  return (
    <div class="notices" role="status" aria-live="polite">
      {status.phase === "reconnecting" && <p class="notice bad">The connection is lost. What you see is ageing; trying to reconnect.</p>}
      {status.phase === "closed" && status.reason !== "stopped" && <p class="notice bad">This page gets no more data. Reload it, or sign in again.</p>}
      {pathWarning?.warning && <p class={pathWarning.kind === "bad" ? "notice bad" : "notice"}>{pathWarning.warning}</p>}
      {store.refused.value && <p class="notice bad">{store.refused.value}</p>}
      {store.sessionState.value === "paused" && <p class="notice">The class is paused: alerts are held back, measuring goes on.</p>}
    </div>
  );
}

function PhoneTabs({ store, panel, unread }: { store: LiveStore; panel: { value: Panel }; unread: number }) {
  const waiting: Record<Panel, number> = { members: 0, alerts: store.sections.value.open.length, timeline: unread };
  return (
    <nav class="tabs" aria-label="Parts of the class">
      {PANELS.map(([name, word, icon]) => (
        <button key={name} type="button" aria-pressed={panel.value === name} onClick={() => (panel.value = name)}>
          <Icon name={icon} />
          {word}
          {waiting[name] > 0 && <span class="badge hot">{waiting[name]}</span>}
        </button>
      ))}
    </nav>
  );
}

/** Messages that came in while a phone showed another part. */
function useUnread(store: LiveStore, panel: Signal<Panel>): Signal<number> {
  const unread = useSignal(0);
  useSignalEffect(() => {
    if (store.heard.value !== null && panel.peek() !== "timeline") unread.value = unread.peek() + 1;
  });
  useSignalEffect(() => {
    if (panel.value === "timeline") unread.value = 0;
  });
  return unread;
}

function useTitle(store: LiveStore): void {
  const open = store.sections.value.open.length;
  useEffect(() => {
    document.title = `${open > 0 ? `(${open}) ` : ""}${store.record.class_name} · live · Paceline`;
  }, [open]);
}

/** Whoever ends the class, here or elsewhere: this page goes on to the summary. */
function useEnd(store: LiveStore): void {
  const over = store.sessionState.value === "completed" || store.events.value.some((event) => event.type === "session_ended");
  useEffect(() => {
    if (over) navigate(`/sessions/${store.record.session_id}/summary`, { replace: true });
  }, [over]);
}

function useShortcuts(
  store: LiveStore,
  classId: number,
  leads: boolean,
  controls: ReturnType<typeof useControls>,
  sort: { value: Sort },
  under: Parameters<typeof acknowledgeAlert>[1],
  help: { value: boolean },
): void {
  const focus = (id: string): void => document.getElementById(id)?.focus();
  const mark = ([type, label]: readonly [string, string]): void => void attempt(addMarker(store.record.session_id, type, label), `Marked: ${label}`);
  const write = (what: "marker" | "note"): void => {
    writing.value = what;
    focus(WRITE_ID);
  };
  const nextSort = (): void => {
    const at = SORTS.findIndex(([value]) => value === sort.value);
    sort.value = SORTS[(at + 1) % SORTS.length]![0];
  };
  const leading = {
    a: () => {
      const first = store.sections.value.open[0];
      if (first) void acknowledgeAlert(first, under);
    },
    "1": () => mark(MARKERS[0]!),
    "2": () => mark(MARKERS[1]!),
    "3": () => mark(MARKERS[2]!),
    m: () => write("marker"),
    n: () => write("note"),
    t: () => {
      addressee.value = null;
      focus(SAY_ID);
    },
    p: controls.togglePause,
    e: () => (controls.asking.value = true),
  };
  useKeys({
    ...(leads ? leading : {}),
    s: nextSort,
    "/": () => focus("find"),
    w: () => navigate(`/classes/${classId}/wall`),
    "?": () => (help.value = true),
  });
}
