// The palette is held to numbers: contrast of text (WCAG 2) and distance between zones for all kinds of colour sight.
import { describe, expect, it } from "vitest";
import css from "../src/styles/tokens.css?raw";

type Rgb = [number, number, number];

function block(selector: string): Map<string, string> {
  const at = css.indexOf(selector);
  const body = css.slice(css.indexOf("{", at) + 1, css.indexOf("}", at));
  return new Map([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((found) => [found[1]!, found[2]!]));
}

const shared = block(":root {");
const themes = { dark: block(':root[data-theme="dark"]'), light: block(':root[data-theme="light"]') };

const linear = (hex: string): Rgb =>
  [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
const luminance = (hex: string): number => linear(hex).reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index]!, 0);
function contrast(one: string, other: string): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

// Machado, Oliveira, Fernandes 2009, severity 1.0.
const SIGHTS: Record<string, Rgb[]> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

function lab(rgb: Rgb): Rgb {
  const [r, g, b] = rgb.map((value) => Math.min(1, Math.max(0, value))) as Rgb;
  const xyz = [(0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047, 0.2126 * r + 0.7152 * g + 0.0722 * b, (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883];
  const [x, y, z] = xyz.map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116)) as Rgb;
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
const seen = (hex: string, sight: Rgb[]): Rgb => lab(sight.map((line) => line.reduce((sum, factor, index) => sum + factor * linear(hex)[index]!, 0)) as Rgb);

describe("zone colours", () => {
  const zones = [0, 1, 2, 3, 4, 5].map((zone) => shared.get(`zone-${zone}`)!);
  it.each([0, 1, 2, 3, 4, 5])("text on zone %i has contrast of at least 4.5", (zone) => {
    expect(contrast(zones[zone]!, shared.get(zone === 0 ? "zone-0-ink" : "zone-ink")!)).toBeGreaterThanOrEqual(4.5);
  });
  it.each(Object.keys(SIGHTS))("any two zones are told apart with %s", (sight) => {
    for (let one = 0; one < zones.length; one += 1) {
      for (let other = one + 1; other < zones.length; other += 1) {
        const distance = Math.hypot(...seen(zones[one]!, SIGHTS[sight]!).map((value, index) => value - seen(zones[other]!, SIGHTS[sight]!)[index]!));
        expect(distance, `zones ${one} and ${other}`).toBeGreaterThanOrEqual(16);
      }
    }
  });
});

describe.each(Object.entries(themes))("the %s theme", (_name, theme) => {
  const colour = (name: string): string => theme.get(name)!;
  it("has readable text on every ground it is used on", () => {
    for (const ink of ["ink", "ink-2"]) {
      for (const ground of ["bg", "surface", "surface-2", "hatch"]) expect(contrast(colour(ink), colour(ground)), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    for (const tone of ["bad", "warn", "info"]) {
      expect(contrast(colour(tone), colour(`${tone}-fill`)), tone).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colour("ink"), colour(`${tone}-fill`)), `ink on ${tone}`).toBeGreaterThanOrEqual(4.5);
      expect(contrast(colour("ink-2"), colour(`${tone}-fill`)), `ink-2 on ${tone}`).toBeGreaterThanOrEqual(4.5);
    }
    for (const tone of ["good", "warn", "bad", "accent"]) expect(contrast(colour(tone), colour("surface")), tone).toBeGreaterThanOrEqual(4.5);
  });
  it("has borders of controls that can be seen", () => {
    for (const ground of ["surface", "surface-2", "bg"]) expect(contrast(colour("line-strong"), colour(ground)), ground).toBeGreaterThanOrEqual(3);
  });
});
