// The gym's big screen: everybody's number as large as it can be, nothing to scroll, nothing private to press.
import { useComputed, useSignal, useSignalEffect, type ReadonlySignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { freshness } from "../components/Connection.js";
import { Icon } from "../components/Icon.js";
import { ZoneBar, PlanBar } from "../components/Overview.js";
import { WallTile } from "../components/WallTile.js";
import { duration, number, wallNames } from "../format.js";
import { useKeys } from "../keys.js";
import { fitCards } from "../live/fit.js";
import { stateNow } from "../live/rows.js";
import type { LiveStore, MemberCell } from "../live/store.js";
import { navigate } from "../router.js";

const RULES = { gap: 10, aspect: 1.55, minWidth: 0, minHeight: 0, maxHeight: 520 };
/** Room for the attention rings, as in styles/wall.css. */
const PADDING = 6;
const HIDE_AFTER_MS = 3000;
const NEXT_AFTER_MS = 60_000;

/** `onOver` is called a while after the class has ended: the screen then waits for the next one. */
export function WallScreen({ store, classId, onOver }: { store: LiveStore; classId: number; onOver: () => void }) {
  const idle = useIdle();
  const goFull = (): void => void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen().catch(() => undefined));
  useWakeLock();
  useKeys({ f: goFull, w: () => navigate(`/classes/${classId}/live`) });
  useEffect(() => {
    document.title = `${store.record.class_name} · wall · Paceline`;
  }, []);
  const over = store.sessionState.value === "completed";
  useEffect(() => {
    if (!over) return;
    const timer = window.setTimeout(onOver, NEXT_AFTER_MS);
    return () => window.clearTimeout(timer);
  }, [over]);
  return (
    <div class="wall" data-idle={idle.value}>
      <WallHead store={store} />
      <main class="wall-main">
        <h1 class="sr">{store.record.class_name}</h1>
        {over ? <p class="wall-over">Class over. Well done!</p> : <WallGrid store={store} />}
      </main>
      <nav class="wall-tools" aria-label="Wall">
        <a class="button" href={`/classes/${classId}/live`}>
          <Icon name="back" /> Trainer's page
        </a>
        <button type="button" onClick={goFull}>
          <Icon name="full" /> Full screen
        </button>
      </nav>
    </div>
  );
}

function WallHead({ store }: { store: LiveStore }) {
  const metrics = store.classMetrics.value;
  const left = (store.record.planned_duration_s ?? 3600) - store.elapsedS.value;
  const paused = store.sessionState.value === "paused";
  return (
    <header class={store.oldSinceMs.value === null ? "wall-head" : "wall-head old"}>
      <div class="wall-title">
        <strong>{store.record.class_name}</strong>
        <Freshness store={store} />
      </div>
      <PlanBar store={store} />
      <p class={paused ? "wall-clock paused" : "wall-clock"}>
        <span>{paused ? "Paused" : left >= 0 ? "Time left" : "Over time"}</span>
        <strong>{duration(paused ? store.elapsedS.value : Math.abs(left))}</strong>
      </p>
      <p class="wall-intensity">
        <span>Intensity</span>
        <strong>{number(metrics?.avg_intensity_60s, 1)}</strong>
      </p>
      <ZoneBar counts={metrics?.zone_counts ?? [0, 0, 0, 0, 0, 0]} />
    </header>
  );
}

function Freshness({ store }: { store: LiveStore }) {
  const now = freshness(store.status.value, store.lagMs.value, store.newestDataMs.value, store.nowMs.value);
  return (
    <span class={`connection ${now.kind}`}>
      <span class="dot" aria-hidden="true" />
      {now.words}
    </span>
  );
}

interface Split {
  tiles: MemberCell[];
  absent: MemberCell[];
}

/** Tiles for those who are measured; names only for those without a strap or gone, once anybody is measured at all. */
function useSplit(store: LiveStore): ReadonlySignal<Split> {
  return useComputed(() => {
    const nowMs = store.nowMs.value;
    const cells = [...store.cells.value].sort((a, b) => a.row.peek().name.localeCompare(b.row.peek().name, "en"));
    const present = cells.filter((cell) => ["live", "stale"].includes(stateNow(cell.row.peek(), nowMs)));
    if (present.length === 0) return { tiles: cells, absent: [] };
    return { tiles: present, absent: cells.filter((cell) => !present.includes(cell)) };
  });
}

function WallGrid({ store }: { store: LiveStore }) {
  const split = useSplit(store).value;
  const names = new Map<number, string>();
  const every = store.cells.value;
  wallNames(every.map((cell) => cell.row.peek().name)).forEach((name, index) => names.set(every[index]!.id, name));
  const maxima = new Map((store.record.participants ?? []).map((one) => [one.member_id, one.max_heart_rate_bpm ?? 190]));
  const list = useRef<HTMLUListElement>(null);
  useWallFit(list, split.tiles.length);
  return (
    <>
      <ul class="tiles" ref={list}>
        {split.tiles.map((cell) => (
          <WallTile key={cell.id} store={store} cell={cell} name={names.get(cell.id) ?? ""} maximumBpm={maxima.get(cell.id)} />
        ))}
      </ul>
      {split.absent.length > 0 && (
        <p class="wall-absent">
          <span>Not measured:</span> {split.absent.map((cell) => names.get(cell.id)).join(" · ")}
        </p>
      )}
    </>
  );
}

function useWallFit(list: { current: HTMLUListElement | null }, count: number): void {
  const size = useSignal<[number, number]>([0, 0]);
  const many = useSignal(count);
  many.value = count;
  useEffect(() => {
    const element = list.current!;
    const observer = new ResizeObserver(() => (size.value = [element.clientWidth - 2 * PADDING, element.clientHeight - 2 * PADDING]));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useSignalEffect(() => {
    const [width, height] = size.value;
    if (width === 0 || !list.current) return;
    const fit = fitCards(many.value, width, height, RULES);
    list.current.style.setProperty("--columns", String(fit.columns));
    list.current.style.setProperty("--row", `${Math.floor(fit.cellHeight)}px`);
  });
}

/** True when nobody moved the pointer or pressed a key for a while: the buttons go away. */
function useIdle(): { value: boolean } {
  const idle = useSignal(false);
  useEffect(() => {
    let timer = 0;
    const moved = (): void => {
      idle.value = false;
      window.clearTimeout(timer);
      timer = window.setTimeout(() => (idle.value = true), HIDE_AFTER_MS);
    };
    moved();
    const events = ["pointermove", "keydown", "focusin"] as const;
    for (const name of events) window.addEventListener(name, moved);
    return () => {
      window.clearTimeout(timer);
      for (const name of events) window.removeEventListener(name, moved);
    };
  }, []);
  return idle;
}

/** Keeps the gym's screen from going dark, where the browser can; asked for again whenever the page is shown again. */
function useWakeLock(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | null = null;
    const ask = (): void => {
      if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
      navigator.wakeLock.request("screen").then(
        (held) => (lock = held),
        () => undefined,
      );
    };
    ask();
    document.addEventListener("visibilitychange", ask);
    return () => {
      document.removeEventListener("visibilitychange", ask);
      void lock?.release();
    };
  }, []);
}
