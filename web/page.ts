import type { Connection } from './connection.ts';

/** What a page gets: where to draw, what its address says, and how to go elsewhere. */
export interface PageContext {
  readonly root: HTMLElement;
  /** The variable part of the path, decoded. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly connection: Connection;
  /** Shows another page of the console, or the same one with another query. */
  readonly navigate: (path: string) => void;
  readonly setTitle: (title: string) => void;
}

/** Draws the page and keeps it up to date until the function that it returns is called. */
export type MountPage = (context: PageContext) => () => void;
