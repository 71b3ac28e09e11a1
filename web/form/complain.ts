import { ApiError, type FieldProblem } from '../api.ts';
import { fill, h } from '../dom.ts';
import { messageOf, problemText } from '../parts/notice.ts';

/** Says what the server refused: at the fields that it is about, and the rest at a place of its own. */
export function complain(
  error: unknown,
  at: {
    readonly form: HTMLElement;
    readonly fields: { blame(problems: readonly FieldProblem[]): readonly FieldProblem[] };
    readonly place: HTMLElement;
  },
): void {
  if (!(error instanceof ApiError) || error.fields.length === 0) {
    fill(at.place, messageOf(error));
    return;
  }
  fill(
    at.place,
    at.fields
      .blame(error.fields)
      .map(({ pointer, detail }) => h('p', {}, problemText(error.code, `${pointer}: ${detail}`))),
  );
  focusWrong(at.form);
}

/** The first field with something wrong has the focus. */
export function focusWrong(form: HTMLElement): void {
  form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
