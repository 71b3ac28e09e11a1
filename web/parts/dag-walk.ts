import type { DrawnNode } from './dag-node.ts';
import type { Point } from './layout.ts';

/** Arrow keys go to the nearest node in their direction; only the one that was reached last is a stop of the tab key. */
export function walkByArrows(canvas: HTMLElement, nodes: ReadonlyMap<string, DrawnNode>): void {
  const stopAt = (to: HTMLButtonElement): void => {
    for (const { button } of nodes.values()) button.tabIndex = button === to ? 0 : -1;
  };
  canvas.addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLButtonElement) stopAt(target);
  });
  canvas.addEventListener('keydown', (event) => {
    const direction = directions.get(event.key);
    const from = [...nodes.values()].find(({ button }) => button === event.target);
    if (direction === undefined || from === undefined) return;
    event.preventDefault();
    nearest([...nodes.values()], from, direction)?.button.focus();
  });
}

const directions = new Map<string, Point>([
  ['ArrowRight', { x: 1, y: 0 }],
  ['ArrowLeft', { x: -1, y: 0 }],
  ['ArrowDown', { x: 0, y: 1 }],
  ['ArrowUp', { x: 0, y: -1 }],
]);

function nearest(nodes: readonly DrawnNode[], from: DrawnNode, to: Point): DrawnNode | null {
  let best: DrawnNode | null = null;
  let least = Infinity;
  for (const node of nodes) {
    const dx = node.place.x - from.place.x;
    const dy = node.place.y - from.place.y;
    const along = dx * to.x + dy * to.y;
    if (along <= 0) continue;
    const distance = along + 2 * Math.abs(dx * to.y + dy * to.x);
    if (distance < least) [best, least] = [node, distance];
  }
  return best;
}
