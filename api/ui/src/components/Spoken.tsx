// What the page says aloud and in passing. It lives inside the open dialog, because everything outside of one is inert.
import { dialogs, spoken, toasts } from "../state.js";

/** Rendered by the frame and by every dialog; only the topmost place speaks. */
export function Spoken({ depth }: { depth: number }) {
  if (dialogs.value !== depth) return null;
  return (
    <>
      <p class="sr" role="status" aria-live="polite">
        {spoken.value.polite}
      </p>
      <p class="sr" role="alert">
        {spoken.value.urgent}
      </p>
      <div class="toasts" role="status" aria-live="polite">
        {toasts.value.map((toast) => (
          <p key={toast.id} class={toast.bad ? "toast bad" : "toast"}>
            {toast.text}
          </p>
        ))}
      </div>
    </>
  );
}
