import type { Json } from '#actors/json.ts';

import { ApiError } from '../api.ts';
import { fill, h } from '../dom.ts';
import { messageOf, problemText } from '../parts/notice.ts';
import type { JsonForm } from './input-form.ts';

/** Shows why what a form made was not taken: at the fields that it is about, and in `wrong` what is about none. */
export function showRefusal(
  error: unknown,
  { form, made, wrong }: { form: HTMLElement; made: JsonForm<Json>; wrong: HTMLElement },
): void {
  if (!(error instanceof ApiError) || error.fields.length === 0) {
    fill(wrong, messageOf(error));
    return;
  }
  const rest = made.blame(error.fields);
  fill(
    wrong,
    rest.map(({ pointer, detail }) => h('p', {}, problemText(error.code, `${pointer}: ${detail}`))),
  );
  focusWrong(form);
}

export function focusWrong(form: HTMLElement): void {
  form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
