import { type Layout, layOut, type LayoutOptions, type LayoutStep } from './layout.ts';

/* Lays out graphs beside the page: a program of its own, which layouts.ts starts and talks to. */
export interface LayoutOrder {
  readonly order: number;
  readonly graph: readonly LayoutStep[];
  readonly options: LayoutOptions;
}

export interface LayoutAnswer {
  readonly order: number;
  readonly layout: Layout;
}

addEventListener('message', ({ data }: MessageEvent<LayoutOrder>) => {
  const answer: LayoutAnswer = { order: data.order, layout: layOut(data.graph, data.options) };
  postMessage(answer);
});
