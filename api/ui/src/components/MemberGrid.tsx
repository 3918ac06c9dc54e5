// The grid of members: sorted and filtered once a second, sized to its box, walked by arrow keys.
import { useComputed, useSignal, useSignalEffect, type Signal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { fitCards, type FitRules } from "../live/fit.js";
import { stateNow } from "../live/rows.js";
import { FILTERS, keeps, order, SORTS, type Filter, type Sort } from "../live/sorting.js";
import type { LiveStore, MemberCell } from "../live/store.js";
import { Icon } from "./Icon.js";
import { MemberCard } from "./MemberCard.js";

const RULES: FitRules = { gap: 8, aspect: 1.8, minWidth: 158, minHeight: 84, maxHeight: 190 };
/** Room for focus rings around the cards, as in styles/live.css. */
const PADDING = 4;
const PHONE = "(max-width: 719px)";

export interface GridChoice {
  sort: Signal<Sort>;
  filter: Signal<Filter>;
  text: Signal<string>;
}

export function MemberGrid({ store, choice, onOpen }: { store: LiveStore; choice: GridChoice; onOpen: (id: number) => void }) {
  const list = useRef<HTMLUListElement>(null);
  const shown = useShown(store, choice, list);
  const maxima = useMemo(() => new Map((store.record.participants ?? []).map((one) => [one.member_id, one.max_heart_rate_bpm ?? 190])), [store]);
  const box = useRef<HTMLDivElement>(null);
  useFit(box, list, shown);
  const cells = shown.value;
  return (
    <section class="grid-box" aria-label="Members" id="members">
      <Toolbar store={store} choice={choice} shown={cells.length} />
      <div class="grid-scroll" ref={box}>
        {cells.length === 0 ? (
          <p class="muted empty">{store.cells.value.length === 0 ? "Waiting for the first data…" : "Nobody matches this filter."}</p>
        ) : (
          <ul class="cards" ref={list} onKeyDown={walk}>
            {cells.map((cell, index) => (
              <MemberCard key={cell.id} store={store} cell={cell} maximumBpm={maxima.get(cell.id)} tabStop={index === 0} onOpen={onOpen} />
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

/** The cells to show. Rows are only peeked at, so the order follows the clock and not every single value. */
function useShown(store: LiveStore, choice: GridChoice, list: { current: HTMLUListElement | null }): Signal<MemberCell[]> {
  const shown = useSignal<MemberCell[]>([]);
  useSignalEffect(() => {
    const [nowMs, sort, filter, text] = [store.nowMs.value, choice.sort.value, choice.filter.value, choice.text.value.trim()];
    const listed = store.cells.value.map((cell) => {
      const row = cell.row.peek();
      return { cell, row, state: stateNow(row, nowMs), attention: store.attention.value.get(cell.id) };
    });
    const before = shown.peek();
    const kept = listed.filter((one) => keeps(one, filter, text));
    // Cards must not jump from under somebody who walks them by keyboard.
    if (list.current?.querySelector(":focus-visible")) kept.sort((a, b) => place(before, a.cell) - place(before, b.cell));
    else kept.sort(order(sort));
    const next = kept.map((one) => one.cell);
    if (next.length !== before.length || next.some((cell, index) => cell !== before[index])) shown.value = next;
  });
  return shown;
}

const place = (cells: MemberCell[], cell: MemberCell): number => {
  const at = cells.indexOf(cell);
  return at < 0 ? cells.length : at;
};

/** Sets the columns and the row height as custom properties, whenever box or number change. */
function useFit(box: { current: HTMLDivElement | null }, list: { current: HTMLUListElement | null }, shown: Signal<MemberCell[]>): void {
  const size = useSignal<[number, number]>([0, 0]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => (size.value = [element.clientWidth - 2 * PADDING, element.clientHeight - 2 * PADDING]));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const count = useComputed(() => shown.value.length);
  useSignalEffect(() => {
    const [width, height] = size.value;
    const many = count.value;
    queueMicrotask(() => {
      const element = list.current;
      if (!element || width === 0 || matchMedia(PHONE).matches) return;
      const fit = fitCards(many, width, height, RULES);
      element.style.setProperty("--columns", String(fit.columns));
      element.style.setProperty("--row", `${Math.floor(fit.cellHeight)}px`);
    });
  });
}

/** Arrow keys go from card to card by place on the screen, Home and End to the ends. */
function walk(event: KeyboardEvent): void {
  const cards = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(".card-button")];
  const at = cards.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  const nextLine = cards.findIndex((card) => card.getBoundingClientRect().top > cards[0]!.getBoundingClientRect().top + 4);
  const columns = nextLine < 0 ? cards.length : nextLine;
  const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: cards.length - 1 - at };
  const step = steps[event.key];
  if (step === undefined) return;
  event.preventDefault();
  cards[Math.min(cards.length - 1, Math.max(0, at + step))]?.focus();
}

function Toolbar({ store, choice, shown }: { store: LiveStore; choice: GridChoice; shown: number }) {
  return (
    <div class="toolbar" role="search" aria-label="Sort and filter members">
      <label class="field">
        <span>Sort</span>
        <select id="sort" value={choice.sort.value} onChange={(event) => (choice.sort.value = event.currentTarget.value as Sort)}>
          {SORTS.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>Show</span>
        <select value={choice.filter.value} onChange={(event) => (choice.filter.value = event.currentTarget.value as Filter)}>
          {FILTERS.map(([value, word]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
      </label>
      <label class="field grow">
        <span>Find</span>
        <input id="find" type="search" placeholder="Name" value={choice.text.value} onInput={(event) => (choice.text.value = event.currentTarget.value)} />
      </label>
      <span class="count muted">
        <Icon name="people" />
        {shown} of {store.cells.value.length}
      </span>
    </div>
  );
}
