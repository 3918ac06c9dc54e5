// Messages between trainer and members: the composer, a line of the timeline, and what is said when one comes in.
import { signal, useSignal, useSignalEffect } from "@preact/signals";
import { timeOfDay } from "../format.js";
import type { LiveStore } from "../live/store.js";
import { sendMessage } from "../rest/calls.js";
import { attempt, say, user } from "../state.js";
import type { ChatMessage } from "../ws/protocol.js";
import { Icon } from "./Icon.js";

const LONGEST = 500;
export const SAY_ID = "say";
/** Whom the line below the timeline writes to; null: everyone. */
export const addressee = signal<number | null>(null);

const nameOf = (store: LiveStore, memberId: number): string | undefined =>
  store.cells.value.find((cell) => cell.id === memberId)?.row.peek().name ?? store.record.participants?.find((one) => one.member_id === memberId)?.name;

const isOwn = (one: ChatMessage): boolean => one.message.from === String(user.peek()?.id);

/** The composer under the timeline: to everyone, or to whom is chosen. */
export function MessageToClass({ store }: { store: LiveStore }) {
  const people = store.cells.value.map((cell) => ({ id: cell.id, name: cell.row.peek().name })).sort((a, b) => a.name.localeCompare(b.name));
  const chosen = addressee.value !== null && people.some(({ id }) => id === addressee.value) ? addressee.value : null;
  return (
    <MessageLine store={store} id={SAY_ID} to={chosen} name={chosen === null ? "everyone" : (nameOf(store, chosen) ?? "one member")}>
      <label class="sr" for="say-to">
        Message to
      </label>
      <select id="say-to" value={chosen ?? ""} onChange={(event) => (addressee.value = Number(event.currentTarget.value) || null)}>
        <option value="">Everyone</option>
        {people.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </MessageLine>
  );
}

interface Line {
  store: LiveStore;
  id: string;
  to: number | null;
  name: string;
  children?: preact.ComponentChildren;
}

/** One line of text and Send; what stands before it says whom it is for, else a label does. */
export function MessageLine({ store, id, to, name, children }: Line) {
  const text = useSignal("");
  const busy = useSignal(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const words = text.value.trim();
    if (words === "" || busy.value) return;
    busy.value = true;
    const call = sendMessage(store.record.session_id, words, to).then((sent) => void store.addMessages([sent]));
    if (await attempt(call, `Sent to ${name}`)) text.value = "";
    busy.value = false;
  };
  return (
    <form class="write" onSubmit={(event) => void submit(event)}>
      {children}
      <label class={children ? "sr" : ""} for={id}>
        Message to {name}
      </label>
      <input id={id} placeholder={children ? `Message to ${name}` : ""} maxLength={LONGEST} value={text.value} onInput={(event) => (text.value = event.currentTarget.value)} />
      <button type="submit" disabled={busy.value || text.value.trim() === ""}>
        Send<span class="sr"> message to {name}</span>
      </button>
    </form>
  );
}

/** A message among what happened; one that came in stands out and can be answered. */
export function MessageEntry({ one, atMs, store, leads }: { one: ChatMessage; atMs: number; store: LiveStore; leads: boolean }) {
  const { from, from_name, from_role, to, text } = one.message;
  const incoming = from_role === "member";
  const whom = to === null ? "everyone" : to === String(user.peek()?.id) ? "you" : (nameOf(store, Number(to)) ?? "the trainer");
  const answer = (): void => {
    addressee.value = Number(from);
    document.getElementById(SAY_ID)?.focus();
  };
  return (
    <li class={incoming ? "said incoming" : "said"}>
      <time>{timeOfDay(atMs)}</time>
      <Icon name="chat" />
      <span>
        <strong>{incoming ? from_name : `${isOwn(one) ? "" : `${from_name} `}to ${whom}`}</strong> {text}
      </span>
      {incoming && leads && (
        <button type="button" class="quiet" onClick={answer}>
          Reply<span class="sr"> to {from_name}</span>
        </button>
      )}
    </li>
  );
}

/** Says in passing what comes in while the page is open. */
export function useMessageSpeaker(store: LiveStore): void {
  useSignalEffect(() => {
    const one = store.heard.value;
    if (one !== null && !isOwn(one)) say(`${one.message.from_name}: ${one.message.text}`);
  });
}
