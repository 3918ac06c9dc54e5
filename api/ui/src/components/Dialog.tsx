// A modal dialog on the browser's own <dialog>: focus stays inside, Escape closes, focus goes back.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { dialogs } from "../state.js";
import { Icon } from "./Icon.js";
import { Spoken } from "./Spoken.js";

interface Props {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  class?: string;
}

export function Dialog({ title, onClose, children, class: extra = "" }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    dialogs.value += 1;
    return () => {
      dialogs.value -= 1;
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const onBackdrop = (event: MouseEvent): void => {
    if (event.target === element.current) onClose();
  };
  return (
    <dialog ref={element} class={`dialog ${extra}`} aria-labelledby={titleId} onClose={onClose} onClick={onBackdrop}>
      <div class="dialog-box">
        <header class="dialog-head">
          <h2 id={titleId}>{title}</h2>
          <button type="button" class="quiet square" onClick={onClose}>
            <Icon name="close" />
            <span class="sr">Close</span>
          </button>
        </header>
        {children}
      </div>
      <Spoken depth={1} />
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  confirm: string;
  onConfirm: () => void;
  onClose: () => void;
  children: ComponentChildren;
}

export function Confirm({ title, confirm, onConfirm, onClose, children }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose} class="narrow">
      <div class="dialog-text">{children}</div>
      <div class="dialog-actions">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="danger"
          onClick={() => {
            onClose();
            onConfirm();
          }}
        >
          {confirm}
        </button>
      </div>
    </Dialog>
  );
}
