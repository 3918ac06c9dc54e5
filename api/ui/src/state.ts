// What the whole page shares: who is signed in, the theme, short messages.
import { signal } from "@preact/signals";
import type { User } from "./rest/types.js";

export type Theme = "auto" | "dark" | "light";

/** `undefined` until the refresh cookie was tried. */
export const user = signal<User | null | undefined>(undefined);
export const theme = signal<Theme>(stored("paceline-theme", ["auto", "dark", "light"], "auto"));
export const shortcutsOn = signal(stored("paceline-shortcuts", ["on", "off"], "on") === "on");
export const toasts = signal<readonly { id: number; text: string; bad: boolean }[]>([]);

/** How many dialogs are open, one above the other. */
export const dialogs = signal(0);
/** The newest alert in words, for screen readers: politely, or at once. */
export const spoken = signal({ polite: "", urgent: "" });

const TOAST_MS = 6000;
let lastToast = 0;

export function say(text: string, bad = false): void {
  lastToast += 1;
  const id = lastToast;
  // peek: an effect that says something must not run again when something else is said
  toasts.value = [...toasts.peek().slice(-2), { id, text, bad }];
  window.setTimeout(() => (toasts.value = toasts.peek().filter((toast) => toast.id !== id)), TOAST_MS);
}

/** Runs a call and says what went wrong; `done` is said when it worked. */
export async function attempt(call: Promise<unknown>, done = ""): Promise<boolean> {
  try {
    await call;
    if (done) say(done);
    return true;
  } catch (problem) {
    say(problem instanceof Error ? problem.message : "That did not work", true);
    return false;
  }
}

export function setTheme(next: Theme): void {
  theme.value = next;
  remember("paceline-theme", next);
}

/** The theme in effect: the wall is dark unless somebody chose otherwise. */
export function themeInEffect(chosen: Theme, systemDark: boolean, onWall: boolean): "dark" | "light" {
  if (chosen !== "auto") return chosen;
  return onWall || systemDark ? "dark" : "light";
}

export function setShortcuts(on: boolean): void {
  shortcutsOn.value = on;
  remember("paceline-shortcuts", on ? "on" : "off");
}

/** May this user change anything in this class, as far as the page can know; the server decides. */
export const mayLead = (trainerId: number | null | undefined): boolean => {
  const now = user.value;
  return now?.role === "admin" || (now?.role === "trainer" && (trainerId === now.id || trainerId === null || trainerId === undefined));
};

function stored<T extends string>(key: string, allowed: readonly T[], otherwise: T): T {
  try {
    const value = localStorage.getItem(key) as T | null;
    return value !== null && allowed.includes(value) ? value : otherwise;
  } catch {
    return otherwise;
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing forgets the choice; the page works all the same.
  }
}
