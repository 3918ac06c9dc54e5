// The few pictures of these pages, as paths in a 24-unit box. Decorative: words stand beside each of them.

const PATHS = {
  pulse: "M2 13h4l3-8 5 14 3-8 1.5 2H22",
  up: "M6 18 18 6M9 6h9v9",
  down: "M6 6l12 12M18 9v9H9",
  flat: "M4 12h16M14 6l6 6-6 6",
  critical: "M8 2h8l6 6v8l-6 6H8l-6-6V8zM12 7v6M12 16.5v.5",
  warning: "M12 3 22 20H2zM12 9.5v5M12 17v.3",
  info: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zM12 11v6M12 7v.3",
  check: "M4 12.5 10 18 20 6",
  nostrap: "M3 3l18 18M2 13h4l2-5M12 12l2 7 2-5M18 13h4",
  left: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  pause: "M8 5v14M16 5v14",
  play: "M7 4v16l13-8z",
  stop: "M6 6h12v12H6z",
  flag: "M5 22V3h12l-2 4 2 4H5",
  note: "M4 4h16v12l-4 4H4zM8 9h8M8 13h5",
  chat: "M3 4h18v13H10l-5 4v-4H3zM8 9h8M8 13h5",
  people: "M8 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM1 21c0-4 3-6 7-6s7 2 7 6M17 11a3 3 0 1 0 0-6M18 15c3 .5 5 2.500 5 6",
  screen: "M2 4h20v13H2zM8 21h8M12 17v4",
  bell: "M6 17V10a6 6 0 0 1 12 0v7l2 2H4zM10 22h4",
  clock: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zM12 6v6l4 3",
  sun: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM12 1v2M12 21v2M1 12h2M21 12h2M4 4l1.500 1.500M18.500 18.500 20 20M4 20l1.500-1.500M18.500 5.500 20 4",
  moon: "M20 14A8.500 8.500 0 0 1 10 4a8.500 8.500 0 1 0 10 10z",
  out: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  help: "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zM9 9.500a3 3 0 1 1 4.500 2.600c-1 .6-1.500 1.200-1.500 2.400M12 17.500v.3",
  close: "M5 5l14 14M19 5 5 19",
  star: "M12 2l3 7 7 .6-5.300 4.800L18.400 22 12 18l-6.400 4 1.700-7.600L2 9.600 9 9z",
  full: "M3 9V3h6M15 3h6v6M21 15v6h-6M9 21H3v-6",
  back: "M15 4l-8 8 8 8",
  more: "M4 7h16M4 12h16M4 17h16",
  upkeep: "M12 8.500a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, class: extra = "" }: { name: IconName; class?: string }) {
  return (
    <svg class={`icon ${extra}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
