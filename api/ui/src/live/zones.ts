// Heart-rate zones in words; their colours are in styles/tokens.css under the same numbers.

export const ZONE_WORDS = ["Rest", "Very light", "Light", "Moderate", "Hard", "Maximum"] as const;
export const ZONE_NUMBERS = [0, 1, 2, 3, 4, 5] as const;

export function zoneWord(zone: number): string {
  return ZONE_WORDS[zone] ?? `Zone ${zone}`;
}
