// One member on the gym's screen: name, number, zone; the whole tile is the zone's colour.
import { useComputed } from "@preact/signals";
import { age, number, percent } from "../format.js";
import { newestValueMs, shareOfMaximum, stateNow, trend } from "../live/rows.js";
import type { LiveStore, MemberCell } from "../live/store.js";
import { Icon } from "./Icon.js";
import { shownZone, TrendMark, ZoneLine } from "./MemberCard.js";

interface Props {
  store: LiveStore;
  cell: MemberCell;
  name: string;
  maximumBpm: number | undefined;
}

export function WallTile({ store, cell, name, maximumBpm }: Props) {
  const state = useComputed(() => stateNow(cell.row.value, store.nowMs.value)).value;
  const attention = useComputed(() => store.attention.value.get(cell.id)).value;
  const row = cell.row.value;
  const share = shareOfMaximum(row, maximumBpm);
  const heading = state === "live" ? trend(row) : null;
  return (
    <li class="tile" data-state={state} data-zone={shownZone(row, state)} data-attention={attention}>
      <p class="tile-name">
        <span class="name">{name}</span>
        {attention && <Icon name={attention} class="tile-attention" />}
      </p>
      {state === "no_strap" || state === "left" ? (
        <p class="tile-silent">
          <Icon name={state === "left" ? "left" : "nostrap"} />
          <span>{state === "left" ? "Left" : "No strap"}</span>
        </p>
      ) : (
        <>
          <p class="tile-bpm">
            {number(row.heart_rate_bpm)}
            {state === "live" && (
              <span class="tile-beside">
                {heading && <TrendMark heading={heading} />}
                <span class="tile-share">{share === null ? "" : percent(share)}</span>
              </span>
            )}
          </p>
          <p class="tile-foot">{state === "live" ? <ZoneLine zone={row.zone} /> : <StaleFoot store={store} cell={cell} />}</p>
        </>
      )}
    </li>
  );
}

function StaleFoot({ store, cell }: { store: LiveStore; cell: MemberCell }) {
  const at = newestValueMs(cell.row.value);
  return <span class="state-word">Stale{at === null ? "" : ` · ${age(store.nowMs.value - at)}`}</span>;
}
