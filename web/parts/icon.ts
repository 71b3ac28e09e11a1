import { s } from '../dom.ts';

/* Line icons on a grid of 20, drawn in the colour of the text beside them; the text says what they mean. */
const shapes = {
  overview: 'M3 10.500 10 4l7 6.500M5 9v7.500h10V9M8.500 16.500v-4h3v4',
  workflows: 'M7.500 5H17M7.500 10H17M7.500 15H17M3.500 5h.01M3.500 10h.01M3.500 15h.01',
  definitions:
    'M2.500 7.500h4v5h-4zM13.500 3h4v5h-4zM13.500 12h4v5h-4zM6.500 10h3.500M13.500 5.500H10v9h3.500',
  cluster: 'M3 3.500h14v5H3zM3 11.500h14v5H3zM6 6h.01M6 14h.01M9 6h5M9 14h5',
  playground:
    'M8 3h4M8.700 3v5L4 15.500A1 1 0 0 0 4.900 17h10.200a1 1 0 0 0 .9-1.500L11.300 8V3M6.300 12h7.400',
  why: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM8 8.200a2 2 0 1 1 2.800 1.900c-.5.2-.8.6-.8 1.100v.5M10 13.800h.01',
  copy: 'M7 7h9.500v9.500H7zM4.500 13H3.500V3.500H13v1',
  search: 'M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12zM13.500 13.500 17.500 17.500',
  keyboard:
    'M2.500 5.500h15v9h-15zM5.500 8.500h.01M8.500 8.500h.01M11.500 8.500h.01M14.500 8.500h.01M6.500 11.500h7',
  language:
    'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM3 10h14M10 3c2.300 2 3.300 4.300 3.300 7S12.300 15 10 17c-2.300-2-3.300-4.300-3.300-7S7.700 5 10 3z',
  system: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 3v14M10 6h4.500M10 10h7M10 14h4.500',
  light:
    'M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM10 2.500v1.500M10 16v1.500M2.500 10H4M16 10h1.500M4.700 4.700l1 1M14.300 14.300l1 1M15.300 4.700l-1 1M5.700 14.300l-1 1',
  dark: 'M16.500 11.800A7 7 0 0 1 8.200 3.500a7 7 0 1 0 8.300 8.300z',
  leave: 'M8 3.500H4v13h4M12 6.500 15.500 10 12 13.500M15.500 10H8',
} as const;

export type IconName = keyof typeof shapes;

export function icon(name: IconName): SVGSVGElement {
  return s(
    'svg',
    { class: 'sign', viewBox: '0 0 20 20', width: 20, height: 20, 'aria-hidden': 'true' },
    s('path', { d: shapes[name] }),
  );
}
