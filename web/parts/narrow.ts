/** Where a row has two lines, and a graph goes from top to bottom; the styles have the same number. */
export const narrow = window.matchMedia('(max-width: 700px)');
