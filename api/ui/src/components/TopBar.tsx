// The bar on top of the pages that are not full-screen: brand, way back, theme, who is signed in.
import type { ComponentChildren } from "preact";
import { openDagster } from "../rest/calls.js";
import { signOut } from "../rest/client.js";
import { attempt, setTheme, theme, user, type Theme } from "../state.js";
import { Icon } from "./Icon.js";

const NEXT: Record<Theme, Theme> = { auto: "dark", dark: "light", light: "auto" };
const WORD: Record<Theme, string> = { auto: "as the system", dark: "dark", light: "light" };

export function TopBar({ children }: { children?: ComponentChildren }) {
  return (
    <header class="topbar">
      <a class="brand" href="/" aria-label="Paceline: all classes">
        <Icon name="pulse" />
        <span>Paceline</span>
      </a>
      <div class="topbar-middle">{children}</div>
      {user.value?.role === "admin" && <DagsterButton />}
      <ThemeButton />
      {user.value && (
        <button type="button" class="quiet" onClick={() => void attempt(signOut())} title={`Sign out ${user.value.name}`}>
          <Icon name="out" />
          <span class="wide-only">{user.value.name}</span>
          <span class="sr">Sign out</span>
        </button>
      )}
    </header>
  );
}

export function ThemeButton() {
  return (
    <button type="button" class="quiet square" onClick={() => setTheme(NEXT[theme.value])} title={`Theme: ${WORD[theme.value]}`}>
      <Icon name={theme.value === "light" ? "sun" : theme.value === "dark" ? "moon" : "screen"} />
      <span class="sr">Theme: {WORD[theme.value]}. Change</span>
    </button>
  );
}

/** Repair, statistics, checks and backups; where the house was started without it, the answer says so. */
function DagsterButton() {
  const open = async (): Promise<void> => {
    if (await attempt(openDagster())) location.assign("/dagster/");
  };
  return (
    <button type="button" class="quiet" onClick={() => void open()} title="Dagster: repair, statistics, checks">
      <Icon name="upkeep" />
      <span class="wide-only">Dagster</span>
      <span class="sr">Open Dagster</span>
    </button>
  );
}
