// How many columns let N cards be as large as possible in a box. Pure.

export interface Fit {
  columns: number;
  cellWidth: number;
  cellHeight: number;
  /** Whether all cards are in the box without scrolling. */
  fits: boolean;
}

export interface FitRules {
  gap: number;
  /** Width over height at which a card looks best. */
  aspect: number;
  minWidth: number;
  minHeight: number;
  maxHeight: number;
}

/** The arrangement whose cards, cut to the wanted aspect, are largest; below the least size the box scrolls instead. */
export function fitCards(count: number, width: number, height: number, rules: FitRules): Fit {
  let best: Fit = { columns: 1, cellWidth: width, cellHeight: height, fits: true };
  let bestSize = Number.NEGATIVE_INFINITY;
  for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
    const rows = Math.max(1, Math.ceil(count / columns));
    const cellWidth = (width - (columns - 1) * rules.gap) / columns;
    const cellHeight = (height - (rows - 1) * rules.gap) / rows;
    const size = Math.min(cellWidth / rules.aspect, cellHeight);
    if (size > bestSize) {
      bestSize = size;
      best = { columns, cellWidth, cellHeight, fits: true };
    }
  }
  if (best.cellHeight < rules.minHeight || best.cellWidth < rules.minWidth) return scrolling(width, rules);
  return { ...best, cellHeight: Math.min(best.cellHeight, rules.maxHeight) };
}

function scrolling(width: number, rules: FitRules): Fit {
  const columns = Math.max(1, Math.floor((width + rules.gap) / (rules.minWidth + rules.gap)));
  return { columns, cellWidth: (width - (columns - 1) * rules.gap) / columns, cellHeight: rules.minHeight, fits: false };
}
