import { s } from '../dom.ts';
import type { LayoutEdge, Point } from './layout.ts';

/** The curve from one node of a graph to another. */
export function drawEdge(edge: LayoutEdge, down: boolean): SVGPathElement {
  const [first, ...rest] = edge.points;
  let path = first === undefined ? '' : `M${first.x} ${first.y}`;
  let from = first;
  for (const to of rest) {
    if (from !== undefined) path += curve(from, to, down);
    from = to;
  }
  return s('path', {
    d: path,
    class: 'edge',
    'data-kind': edge.kind,
    'data-from': edge.from,
    'data-to': edge.to,
  });
}

function curve(from: Point, to: Point, down: boolean): string {
  return down
    ? `C${from.x} ${(from.y + to.y) / 2} ${to.x} ${(from.y + to.y) / 2} ${to.x} ${to.y}`
    : `C${(from.x + to.x) / 2} ${from.y} ${(from.x + to.x) / 2} ${to.y} ${to.x} ${to.y}`;
}
