// How long a test value needs from the gateway to this page's server, sent every few seconds; a warning when it is late or lost.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { lag } from "../format.js";
import { health } from "../rest/calls.js";
import type { LivePathState } from "../rest/types.js";

const ASK_EVERY_MS = 5000;

export interface PathWords {
  kind: "good" | "waiting" | "bad";
  words: string;
  warning: string;
}

/** None while there is nothing to say: it is switched off, or nothing has come back yet and may still do so. */
export function pathWords(path: LivePathState | null): PathWords | null {
  const why = path?.problem ? ` ${path.problem}. ${path.remedy.replaceAll("`", "")}` : "";
  if (path?.state === "ok" && path.last_ms !== null) return { kind: "good", words: `live path ${lag(path.last_ms)}`, warning: "" };
  if (path?.state === "slow") return { kind: "waiting", words: "live path slow", warning: `What you see comes late.${why}` };
  if (path?.state === "missing") return { kind: "bad", words: "live path broken", warning: `Test values do not come through: what you see may be old.${why}` };
  return null;
}

/** What the server says of its live path, asked anew every few seconds; the last answer stands while the server is away. */
export function useLivePath(): { value: LivePathState | null } {
  const path = useSignal<LivePathState | null>(null);
  useEffect(() => {
    let over = false;
    const ask = async (): Promise<void> => {
      try {
        const answer = await health();
        if (!over) path.value = answer.live_path;
      } catch {
        // the connection's own words say that the server is away
      }
    };
    void ask();
    const timer = window.setInterval(() => void ask(), ASK_EVERY_MS);
    return () => {
      over = true;
      window.clearInterval(timer);
    };
  }, []);
  return path;
}

export function LivePath({ path }: { path: LivePathState | null }) {
  const told = pathWords(path);
  return told && <span class={`live-path ${told.kind}`} title="A test value's time from the gateway through the whole house to this page's server">{told.words}</span>;
}
