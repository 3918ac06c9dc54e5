// What the keys do, and the switch that turns single keys off (WCAG 2.1.4).
import { setShortcuts, shortcutsOn } from "../state.js";
import { Dialog } from "./Dialog.js";

const KEYS: readonly [string, string][] = [
  ["A", "Acknowledge the most urgent alert"],
  ["1 2 3", "Mark warm-up end, main set, cool-down"],
  ["M", "Write an own marker"],
  ["N", "Write a class note"],
  ["T", "Write a message to the class"],
  ["P", "Pause the class, or go on"],
  ["E", "End the class (asks first)"],
  ["S", "Next sort order"],
  ["/", "Find a member"],
  ["W", "Wall for the gym's screen"],
  ["← ↑ → ↓", "From card to card; Enter opens one"],
  ["?", "This list"],
  ["Esc", "Close what is open"],
];

export function HelpDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose} class="narrow">
      <dl class="keys">
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              {key.split(" ").map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="check">
        <input type="checkbox" checked={shortcutsOn.value} onChange={(event) => setShortcuts(event.currentTarget.checked)} />
        Single keys are shortcuts
      </label>
    </Dialog>
  );
}
