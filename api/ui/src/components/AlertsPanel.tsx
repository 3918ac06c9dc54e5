// Alerts as a trainer reads them: open ones with what to do and a button, then those in hand, then what is over.
import { useSignalEffect, type Signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { age, timeOfDay } from "../format.js";
import type { LiveStore } from "../live/store.js";
import { acknowledge } from "../rest/calls.js";
import { attempt, dialogs, say, spoken } from "../state.js";
import type { Alert } from "../ws/protocol.js";
import { Icon } from "./Icon.js";

const GIVE_UP_MS = 10_000;

/** Acknowledgements under way, so that the button says so until the alert itself does. */
export type Acknowledging = Signal<ReadonlySet<string>>;

export async function acknowledgeAlert(alert: Alert, under: Acknowledging): Promise<void> {
  if (under.value.has(alert.alert_id)) return;
  under.value = new Set(under.value).add(alert.alert_id);
  const done = (): void => void (under.value = new Set([...under.value].filter((id) => id !== alert.alert_id)));
  if (await attempt(acknowledge(alert.alert_id, alert.session_id))) window.setTimeout(done, GIVE_UP_MS);
  else done();
}

interface Props {
  store: LiveStore;
  under: Acknowledging;
  leads: boolean;
  onOpen: (memberId: number) => void;
}

/** `deaf`: alerts do not come through, so that none is no good news. */
export function AlertsPanel({ store, under, leads, onOpen, deaf }: Props & { deaf: boolean }) {
  const { open, acknowledged, cleared } = store.sections.value;
  return (
    <section class="panel alerts" aria-labelledby="alerts-title" id="alerts">
      <header class="panel-head">
        <h2 id="alerts-title">
          <Icon name="bell" /> Alerts
        </h2>
        <span class={open.length > 0 ? "badge hot" : "badge"}>
          {open.length}
          <span class="sr"> open</span>
        </span>
      </header>
      {open.length === 0 && acknowledged.length === 0 && (deaf ? <Deaf /> : <AllWell />)}
      <ul class="alert-list">
        {[...open, ...acknowledged].map((alert) => (
          <ActiveAlert key={alert.alert_id} alert={alert} store={store} under={under} leads={leads} onOpen={onOpen} />
        ))}
      </ul>
      {cleared.length > 0 && <History cleared={cleared} />}
    </section>
  );
}

function AllWell() {
  return (
    <p class="all-well">
      <Icon name="check" /> All well. Nobody needs you right now.
    </p>
  );
}

function Deaf() {
  return <p class="muted">New alerts do not reach this page just now. Keep an eye on your class.</p>;
}

function ActiveAlert({ alert, store, under, leads, onOpen }: Props & { alert: Alert }) {
  const inHand = alert.acknowledged_at_ms !== null;
  const { severity, message, suggested_action } = alert.alert;
  const busy = under.value.has(alert.alert_id);
  return (
    <li class={`alert ${severity}${inHand ? " in-hand" : ""}`} data-alert={alert.alert_id}>
      <p class="alert-head">
        <Icon name={severity} />
        <strong>{severity}</strong>
        {alert.repeated > 0 && <span class="repeated">repeated {alert.repeated}×</span>}
        <span class="alert-for">
          <span class="sr">for </span>
          {age(store.nowMs.value - alert.raised_at_ms)}
        </span>
      </p>
      <div class="alert-text">
        <p class="alert-message">{message}</p>
        {inHand ? (
          <p class="in-hand-by">
            <Icon name="check" /> Acknowledged{alert.acknowledged_by ? ` by ${alert.acknowledged_by}` : ""}
          </p>
        ) : (
          suggested_action && <p class="alert-do">{suggested_action}</p>
        )}
      </div>
      <div class="alert-actions">
        {!inHand && leads && (
          <button type="button" class="primary" disabled={busy} onClick={() => void acknowledgeAlert(alert, under)}>
            {busy ? "Acknowledging…" : "Acknowledge"}
            <span class="sr">: {message}</span>
          </button>
        )}
        {alert.member_id !== null && (
          <button type="button" class="quiet" onClick={() => onOpen(alert.member_id!)}>
            Details<span class="sr"> of {alert.member_name}</span>
          </button>
        )}
      </div>
    </li>
  );
}

function History({ cleared }: { cleared: Alert[] }) {
  return (
    <details class="alert-history">
      <summary>{cleared.length} cleared</summary>
      <ul>
        {cleared.slice(0, 50).map((alert) => (
          <li key={alert.alert_id} class="cleared">
            <Icon name="check" />
            <span>{alert.alert.message}</span>
            <span class="muted">
              {timeOfDay(alert.raised_at_ms)} · {age((alert.cleared_at_ms ?? alert.updated_at_ms) - alert.raised_at_ms)}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/**
 * Speaks each alert once: politely, or at once when it is critical. What was there when the page opened is not read out.
 * While a dialog covers the alerts, a critical one is also shown in passing.
 */
export function useAlertSpeaker(store: LiveStore): void {
  const said = useRef<Set<string> | null>(null);
  useSignalEffect(() => {
    const open = store.sections.value.open;
    const before = said.current;
    said.current = new Set([...(before ?? []), ...open.map(key)]);
    const fresh = before === null ? [] : open.filter((alert) => !before.has(key(alert)));
    for (const alert of fresh) {
      const words = `${alert.alert.severity}: ${alert.alert.message}`;
      const critical = alert.alert.severity === "critical";
      spoken.value = { ...spoken.peek(), [critical ? "urgent" : "polite"]: words };
      if (critical && dialogs.peek() > 0) say(words, true);
    }
  });
}

const key = (alert: Alert): string => `${alert.alert_id}/${alert.repeated}`;

/** On a phone: the most urgent open alert, always in sight. */
export function AlertBar({ store, under, leads, onAll }: { store: LiveStore; under: Acknowledging; leads: boolean; onAll: () => void }) {
  const open = store.sections.value.open;
  const first = open[0];
  if (!first) return null;
  return (
    <div class={`alert-bar ${first.alert.severity}`}>
      <button type="button" class="alert-bar-text" onClick={onAll}>
        <Icon name={first.alert.severity} />
        <span>
          <strong>{first.alert.severity}</strong> {first.alert.message}
        </span>
      </button>
      {open.length > 1 && <span class="badge">+{open.length - 1}</span>}
      {leads && (
        <button type="button" class="square" disabled={under.value.has(first.alert_id)} onClick={() => void acknowledgeAlert(first, under)}>
          <Icon name="check" />
          <span class="sr">Acknowledge: {first.alert.message}</span>
        </button>
      )}
    </div>
  );
}
