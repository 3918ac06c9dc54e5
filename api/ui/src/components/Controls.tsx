// Pause, go on, end, wall, help.
import { useSignal, type Signal } from "@preact/signals";
import type { LiveStore } from "../live/store.js";
import { endClass, pauseClass, resumeClass } from "../rest/calls.js";
import { navigate } from "../router.js";
import { attempt } from "../state.js";
import { Icon } from "./Icon.js";

export interface ClassControls {
  paused: boolean;
  busy: Signal<boolean>;
  /** Whether the end is being asked for. */
  asking: Signal<boolean>;
  togglePause: () => void;
  end: () => void;
}

export function useControls(store: LiveStore, classId: number): ClassControls {
  const busy = useSignal(false);
  const asking = useSignal(false);
  const paused = store.sessionState.value === "paused";
  const run = async (call: Promise<unknown>, then?: () => void): Promise<void> => {
    busy.value = true;
    if (await attempt(call)) then?.();
    busy.value = false;
  };
  return {
    paused,
    busy,
    asking,
    togglePause: () => void run(paused ? resumeClass(classId) : pauseClass(classId)),
    end: () => void run(endClass(classId), () => navigate(`/sessions/${store.record.session_id}/summary`, { replace: true })),
  };
}

interface Props {
  controls: ClassControls;
  leads: boolean;
  classId: number;
  onHelp: () => void;
}

export function Controls({ controls, leads, classId, onHelp }: Props) {
  return (
    <div class="controls" role="group" aria-label="Class controls" id="controls">
      {leads && (
        <>
          <button type="button" disabled={controls.busy.value} onClick={controls.togglePause}>
            <Icon name={controls.paused ? "play" : "pause"} />
            {controls.paused ? "Resume" : "Pause"}
          </button>
          <button type="button" class="danger" disabled={controls.busy.value} onClick={() => (controls.asking.value = true)}>
            <Icon name="stop" />
            End
          </button>
        </>
      )}
      <a class="button" href={`/classes/${classId}/wall`}>
        <Icon name="screen" />
        Wall
      </a>
      <button type="button" class="quiet square" onClick={onHelp}>
        <Icon name="help" />
        <span class="sr">Keys</span>
      </button>
    </div>
  );
}
