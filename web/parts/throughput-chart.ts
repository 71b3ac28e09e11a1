import uPlot from 'uplot';

import type { Minute } from '#http/live-protocol.ts';

import { h } from '../dom.ts';
import { formatMinute, formatNumber } from '../i18n/format.ts';

const height = 200;

export interface ThroughputChart {
  show(minutes: readonly Minute[]): void;
  close(): void;
}

/**
 * Bars of what ended in each minute, one state on the other, and a line of what started. It is a picture: the page says in words
 * and in a table what is in it. `point` is called with the minute under the pointer, or null.
 */
export function throughputChart(
  place: HTMLElement,
  point: (index: number | null) => void,
): ThroughputChart {
  let shown: readonly Minute[] = [];
  let plot: uPlot | null = null;
  const draw = (): void => {
    plot?.destroy();
    plot = new uPlot(optionsOf(place, point), dataOf(shown), place);
  };
  const resized = new ResizeObserver(() => {
    plot?.setSize({ width: place.clientWidth, height });
  });
  resized.observe(place);
  const stop = new AbortController();
  const { signal } = stop;
  // The colours are in the picture, so another theme is another picture.
  document.addEventListener('themechange', draw, { signal });
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw, { signal });
  draw();
  return {
    show: (minutes) => {
      shown = minutes;
      plot?.setData(dataOf(minutes));
    },
    close: () => {
      stop.abort();
      resized.disconnect();
      plot?.destroy();
    },
  };
}

/**
 * The bars lie one before the other, the longest behind: each is what it shows and all that is below it. The line needs an end
 * of the last minute.
 */
function dataOf(minutes: readonly Minute[]): uPlot.AlignedData {
  const last = minutes.at(-1);
  const end = last === undefined ? [] : [Date.parse(last.at) / 1_000 + 60];
  return [
    [...minutes.map(({ at }) => Date.parse(at) / 1_000), ...end],
    [...minutes.map(({ completed, canceled, failed }) => completed + canceled + failed), null],
    [...minutes.map(({ completed, canceled }) => completed + canceled), null],
    [...minutes.map(({ completed }) => completed), null],
    [...minutes.map(({ started }) => started), last?.started ?? null],
  ];
}

function optionsOf(place: HTMLElement, point: (index: number | null) => void): uPlot.Options {
  const colour = (name: string): string => colourOf(place, name);
  const bars = uPlot.paths.bars?.({ size: [0.72, 18], align: 1 });
  const steps = uPlot.paths.stepped?.({ align: 1 });
  const bar = (name: string): uPlot.Series => ({
    fill: colour(name),
    width: 0,
    points: { show: false },
    ...(bars === undefined ? {} : { paths: bars }),
  });
  const axis = {
    stroke: colour('--quiet'),
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    ticks: { show: false },
  };
  return {
    width: place.clientWidth,
    height,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { setScale: false } },
    scales: {
      x: { time: true, range: (_plot, least, most) => [least, most] },
      y: { range: (_plot, _least, most) => [0, Math.max(4, most * 1.1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        space: 70,
        size: 26,
        values: (_plot, splits) => splits.map((at) => formatMinute(new Date(at * 1_000))),
      },
      {
        ...axis,
        grid: { stroke: colour('--line'), width: 1 },
        size: 44,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 50_000, 100_000],
        values: (_plot, splits) => splits.map((value) => formatNumber(value)),
      },
    ],
    series: [
      {},
      bar('--failed'),
      bar('--canceled'),
      bar('--completed'),
      {
        stroke: colour('--accent'),
        width: 1.5,
        points: { show: false },
        ...(steps === undefined ? {} : { paths: steps }),
      },
    ],
    hooks: {
      setCursor: [
        (plot) =>
          point(
            plot.cursor.left === undefined || plot.cursor.left < 0
              ? null
              : (plot.cursor.idx ?? null),
          ),
      ],
    },
  };
}

/** A colour as a canvas takes it: a custom property may be a choice between light and dark. */
function colourOf(place: HTMLElement, name: string): string {
  const probe = h('i');
  probe.style.color = `var(${name})`;
  place.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
