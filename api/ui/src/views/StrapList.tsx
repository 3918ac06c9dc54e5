// The straps that hubs have seen: a leader says whose each is. One that is nobody's is on no wall.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { TopBar } from "../components/TopBar.js";
import { dayWord, NONE, timeOfDay } from "../format.js";
import { giveStrap, straps } from "../rest/calls.js";
import type { Person, Strap, StrapsAnswer } from "../rest/types.js";
import { attempt } from "../state.js";

const POLL_MS = 5000;
const STANDING: Record<Strap["state"], string> = {
  near: "near",
  looking: "not in range",
  connecting: "connecting",
  live: "live",
  resting: "lost, trying again",
};

export function StrapList() {
  const known = useSignal<StrapsAnswer | null>(null);
  const trouble = useSignal("");
  const load = async (): Promise<void> => {
    try {
      known.value = await straps();
      trouble.value = "";
    } catch (problem) {
      trouble.value = problem instanceof Error ? problem.message : "The straps cannot be read";
    }
  };
  useEffect(() => {
    document.title = "Straps · Paceline";
    void load();
    const polling = window.setInterval(() => void load(), POLL_MS);
    return () => window.clearInterval(polling);
  }, []);
  const give = async (strap: Strap, to: Person | null): Promise<void> => {
    await attempt(giveStrap(strap.address, to?.id ?? null), to ? `${nameOf(strap)} is ${to.name}'s now` : `${nameOf(strap)} is nobody's now`);
    await load();
  };
  const all = known.value?.straps ?? [];
  const members = known.value?.members ?? [];
  return (
    <>
      <TopBar>
        <a href="/">Classes</a>
      </TopBar>
      <main class="classes">
        <h1>Straps</h1>
        {trouble.value && (
          <p class="notice bad" role="alert">
            {trouble.value}
          </p>
        )}
        {known.value === null && !trouble.value && <p class="muted">Reading the straps…</p>}
        {known.value !== null && (
          <>
            <Section id="unknown" title="Nobody's" list={all.filter((one) => !one.member)} members={members} give={give} empty="No strap without a member is near." />
            <Section id="given" title="Members' straps" list={all.filter((one) => one.member)} members={members} give={give} empty="No strap has been given to a member." />
          </>
        )}
      </main>
    </>
  );
}

interface SectionProps {
  id: string;
  title: string;
  list: Strap[];
  members: Person[];
  give: (strap: Strap, to: Person | null) => Promise<void>;
  empty: string;
}

function Section({ id, title, list, members, give, empty }: SectionProps) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {list.length === 0 ? (
        <p class="muted">{empty}</p>
      ) : (
        <div class="table-box" tabIndex={0} role="region" aria-label={`Table: ${title}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Strap</th>
                <th scope="col">Whose</th>
                <th scope="col">Measures</th>
                <th scope="col">Link</th>
                <th scope="col" class="num">Battery</th>
                <th scope="col">Last seen</th>
              </tr>
            </thead>
            <tbody>
              {list.map((one) => (
                <StrapRow key={one.address} one={one} members={members} give={give} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function StrapRow({ one, members, give }: { one: Strap; members: Person[]; give: SectionProps["give"] }) {
  const busy = useSignal(false);
  const chosen = async (id: string): Promise<void> => {
    busy.value = true;
    await give(one, members.find((member) => String(member.id) === id) ?? null);
    busy.value = false;
  };
  const seen = Date.parse(one.seen_at);
  return (
    <tr>
      <th scope="row">
        {nameOf(one)}
        {one.name && <div class="muted">{one.address}</div>}
      </th>
      <td>
        <select aria-label={`Whose ${nameOf(one)} is`} disabled={busy.value} value={String(one.member?.id ?? "")} onChange={(event) => void chosen(event.currentTarget.value)}>
          <option value="">nobody</option>
          {members.map((member) => (
            <option key={member.id} value={String(member.id)}>
              {member.name}
            </option>
          ))}
        </select>
      </td>
      <td>{one.measures || NONE}</td>
      <td>{STANDING[one.state]}</td>
      <td class="num">{one.battery_percent === null ? NONE : `${one.battery_percent} %`}</td>
      <td>
        {dayWord(seen, Date.now())} {timeOfDay(seen)} <span class="muted">by {one.seen_by}</span>
      </td>
    </tr>
  );
}

const nameOf = (one: Strap): string => one.name || one.address;
