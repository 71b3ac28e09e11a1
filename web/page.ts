import type { Connection } from './connection.ts';
import type { Who } from './who.ts';

/** What a page gets: where to draw, what its address says, and how to go elsewhere. */
export interface PageContext {
  readonly root: HTMLElement;
  /** The variable part of the path, decoded. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly connection: Connection;
  /** Who looks at it, and what they may do. */
  readonly who: Who;
  /** Shows another page of the console, or the same one with another query. */
  readonly navigate: Navigate;
  /** Says in the address what is shown; nothing is drawn anew. */
  readonly setAddress: Navigate;
  readonly setTitle: (title: string) => void;
}

/** Of a page that is no longer wanted it does nothing. `replace` takes the place of the present entry of the history, so that "back" does not come here again. */
export type Navigate = (path: string, how?: 'push' | 'replace') => void;

/** Draws the page and keeps it up to date until the function that it returns is called. */
export type MountPage = (context: PageContext) => () => void;
