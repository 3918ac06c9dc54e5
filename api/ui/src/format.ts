// How numbers, times and durations are written. One locale, 24 hours; a translation changes it here.

export const LOCALE = "en-GB";
const clock = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const clockSeconds = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(LOCALE, { weekday: "short", day: "numeric", month: "short" });
const longDay = new Intl.DateTimeFormat(LOCALE, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const numbers = [0, 1, 2].map((digits) => new Intl.NumberFormat(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits }));

/** Stands for a value that is not known. */
export const NONE = "–";
const THIN = " ";

export const timeOfDay = (ms: number): string => clock.format(ms);
export const timeWithSeconds = (ms: number): string => clockSeconds.format(ms);
export const longDate = (ms: number): string => longDay.format(ms);

export function number(value: number | null | undefined, digits: 0 | 1 | 2 = 0): string {
  return value === null || value === undefined || !Number.isFinite(value) ? NONE : numbers[digits]!.format(value);
}

export function percent(share: number | null | undefined): string {
  return share === null || share === undefined || !Number.isFinite(share) ? NONE : `${numbers[0]!.format(share * 100)}${THIN}%`;
}

/** 75 → "1:15", 3675 → "1:01:15". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** How old something is, in words short enough for a card: "3 s", "4 min", "2 h". */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}${THIN}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}${THIN}min`;
  return `${Math.floor(seconds / 3600)}${THIN}h`;
}

/** A lag as the header says it: "40 ms", "1.2 s". */
export function lag(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}${THIN}ms` : `${numbers[1]!.format(ms / 1000)}${THIN}s`;
}

export function pace(secondsPerKm: number | null | undefined): string {
  return secondsPerKm === null || secondsPerKm === undefined || secondsPerKm <= 0 || secondsPerKm > 3600 ? NONE : duration(Math.round(secondsPerKm));
}

/** The day as people say it near the day itself. */
export function dayWord(ms: number, nowMs: number): string {
  const midnight = (at: number): number => new Date(at).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(ms) - midnight(nowMs)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Tomorrow";
  if (days === -1) return "Yesterday";
  return day.format(ms);
}

/** "spin_intervals" → "Spin intervals". */
export function words(identifier: string): string {
  const text = identifier.replace(/[_-]+/g, " ").replace(/\bhiit\b/i, "HIIT").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** First name and initial for a public screen; the whole name where two would read the same. */
export function wallNames(names: string[]): string[] {
  const short = names.map((name) => {
    const parts = name.trim().split(/\s+/);
    return parts.length > 1 ? `${parts[0]} ${parts[parts.length - 1]!.charAt(0)}.` : name.trim();
  });
  return short.map((name, index) => (short.indexOf(name) === short.lastIndexOf(name) ? name : names[index]!));
}
