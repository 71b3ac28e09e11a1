import type { WorkflowRow, WorkflowState } from '#http/live-protocol.ts';

/*
 * Which workflows a list shows. The address of the page is the only place where it is kept: it is read from there, and a
 * change of it is another address. Pure.
 */
export interface WorkflowFilter {
  readonly states: readonly WorkflowState[];
  readonly name: string;
  readonly idPrefix: string;
  readonly tags: Readonly<Record<string, string>>;
  /** RFC 3339, or empty. */
  readonly after: string;
  readonly before: string;
}

export const states: readonly WorkflowState[] = [
  'running',
  'pending',
  'completed',
  'failed',
  'canceled',
];

export const everything: WorkflowFilter = {
  states: [],
  name: '',
  idPrefix: '',
  tags: {},
  after: '',
  before: '',
};

const tagPrefix = 'tag.';

/** What is no filter in the address says nothing. */
export function readFilter(query: URLSearchParams): WorkflowFilter {
  const wanted = (query.get('state') ?? '').split(',');
  const tags = [...query]
    .filter(([key, value]) => key.startsWith(tagPrefix) && key !== tagPrefix && value !== '')
    .map(([key, value]) => [key.slice(tagPrefix.length), value]);
  return {
    states: states.filter((state) => wanted.includes(state)),
    name: query.get('name') ?? '',
    idPrefix: query.get('q') ?? '',
    tags: Object.fromEntries(tags),
    after: moment(query.get('after')),
    before: moment(query.get('before')),
  };
}

/** The address of the list with this filter: the first page, or the one at `cursor`. */
export function addressOf(filter: WorkflowFilter, cursor: string | null = null): string {
  const query = new URLSearchParams();
  if (filter.states.length > 0) query.set('state', filter.states.join(','));
  if (filter.name !== '') query.set('name', filter.name);
  if (filter.idPrefix !== '') query.set('q', filter.idPrefix);
  for (const [key, value] of Object.entries(filter.tags)) query.set(tagPrefix + key, value);
  if (filter.after !== '') query.set('after', filter.after);
  if (filter.before !== '') query.set('before', filter.before);
  if (cursor !== null) query.set('cursor', cursor);
  // Commas and colons need no escape in a query, and are easier to read without.
  const text = query.toString().replaceAll('%2C', ',').replaceAll('%3A', ':');
  return text === '' ? '/workflows' : `/workflows?${text}`;
}

/** The same filter as the parameters of GET /api/v1/workflows. */
export function restQuery(filter: WorkflowFilter): URLSearchParams {
  const query = new URLSearchParams();
  if (filter.states.length > 0) query.set('state', filter.states.join(','));
  if (filter.name !== '') query.set('name', filter.name);
  if (filter.idPrefix !== '') query.set('id_prefix', filter.idPrefix);
  for (const [key, value] of Object.entries(filter.tags)) query.set(tagPrefix + key, value);
  if (filter.after !== '') query.set('created_after', filter.after);
  if (filter.before !== '') query.set('created_before', filter.before);
  return query;
}

/** The door's own rules: a row that changes is judged here without asking again. */
export function matches(filter: WorkflowFilter, row: WorkflowRow): boolean {
  const created = Date.parse(row.created_at);
  return (
    (filter.states.length === 0 || filter.states.includes(row.state)) &&
    (filter.name === '' || row.name === filter.name) &&
    row.id.startsWith(filter.idPrefix) &&
    Object.entries(filter.tags).every(([key, value]) => row.tags[key] === value) &&
    (filter.after === '' || created >= Date.parse(filter.after)) &&
    (filter.before === '' || created < Date.parse(filter.before))
  );
}

/** Whether anything but the state is asked for. */
export function isNarrowed(filter: WorkflowFilter): boolean {
  return addressOf({ ...filter, states: [] }) !== '/workflows';
}

/** `customer=acme` as a tag, or null when it is none. */
export function parseTag(text: string): readonly [key: string, value: string] | null {
  const match = /^\s*([A-Za-z0-9_.-]{1,40})\s*=\s*(.{1,200}?)\s*$/s.exec(text);
  return match === null ? null : [match[1] ?? '', match[2] ?? ''];
}

function moment(text: string | null): string {
  return text === null || Number.isNaN(Date.parse(text)) ? '' : text;
}
