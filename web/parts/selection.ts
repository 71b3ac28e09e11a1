/* Which rows of a list are chosen, as checkboxes with shift-click do it everywhere. Pure. */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  /** Where a range begins: the row that was chosen last. */
  readonly anchor: string | null;
}

export const nothing: Selection = { ids: new Set(), anchor: null };

/** Chooses a row, or no longer; with `range`, all from the anchor to it are made as it becomes. */
export function toggle(
  selection: Selection,
  id: string,
  shown: readonly string[],
  range: boolean,
): Selection {
  const chosen = !selection.ids.has(id);
  const ids = new Set(selection.ids);
  const from = range && selection.anchor !== null ? shown.indexOf(selection.anchor) : -1;
  const to = shown.indexOf(id);
  const touched =
    from < 0 || to < 0 ? [id] : shown.slice(Math.min(from, to), Math.max(from, to) + 1);
  for (const each of touched) {
    if (chosen) ids.add(each);
    else ids.delete(each);
  }
  return { ids, anchor: id };
}

/** All that are shown, or none of them when all of them are. */
export function togglePage(selection: Selection, shown: readonly string[]): Selection {
  const all = shown.length > 0 && shown.every((id) => selection.ids.has(id));
  const ids = new Set(selection.ids);
  for (const id of shown) {
    if (all) ids.delete(id);
    else ids.add(id);
  }
  return { ids, anchor: null };
}

export function pageState(selection: Selection, shown: readonly string[]): 'none' | 'some' | 'all' {
  const count = shown.filter((id) => selection.ids.has(id)).length;
  if (count === 0) return 'none';
  return count === shown.length ? 'all' : 'some';
}
