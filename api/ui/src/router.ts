// Which page an address means, and how to go there without loading anew.
import { signal } from "@preact/signals";

export type Route =
  | { page: "signin" }
  | { page: "classes" }
  | { page: "straps" }
  | { page: "live"; classId: number }
  | { page: "wall"; classId: number }
  | { page: "summary"; sessionId: string }
  | { page: "unknown" };

export function match(path: string): Route {
  const parts = path.split("/").filter(Boolean);
  const [first, second, third] = parts;
  if (parts.length === 0 || (parts.length === 1 && first === "classes")) return { page: "classes" };
  if (parts.length === 1 && first === "straps") return { page: "straps" };
  if (parts.length === 1 && first === "sign-in") return { page: "signin" };
  if (first === "classes" && second && /^\d+$/.test(second) && parts.length <= 3) {
    if (third === undefined || third === "live") return { page: "live", classId: Number(second) };
    if (third === "wall") return { page: "wall", classId: Number(second) };
  }
  if (first === "sessions" && second && /^[0-9a-f-]{36}$/i.test(second) && third === "summary" && parts.length === 3) {
    return { page: "summary", sessionId: second.toLowerCase() };
  }
  return { page: "unknown" };
}

export const path = signal(typeof location === "undefined" ? "/" : location.pathname);

export function navigate(to: string, options: { replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  path.value = location.pathname;
  window.scrollTo(0, 0);
}

/** Follows the browser's back and forward, and turns plain clicks on our own links into navigation. */
export function followLinks(): void {
  window.addEventListener("popstate", () => (path.value = location.pathname));
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin || link.target !== "" || link.hash !== "") return;
    event.preventDefault();
    navigate(link.pathname);
  });
}
