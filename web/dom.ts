type Child = Node | string | number | null | undefined | false | readonly Child[];
type Value = string | number | boolean | null | undefined | ((event: Event) => void);
type Attributes = Readonly<Record<string, Value>>;

/**
 * An element with attributes and children: `h('a', { href, onclick }, 'text')`. Functions become listeners and strings
 * become text, never markup: there is no way from a value to HTML in the whole console.
 */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s<Tag extends keyof SVGElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Tag] {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}

/** Gives the element these children instead of those that it has. */
export function fill(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...nodes(children));
}

/** A name that breaks, where it does not fit, behind its underscores, dots and dashes before it breaks anywhere else. */
export function breakable(name: string): readonly (Node | string)[] {
  const [first = '', ...rest] = name.split(/(?<=[_.-])(?=[^_.-])/);
  return [first, ...rest.flatMap((part) => [document.createElement('wbr'), part])];
}

/** Sets the text if it is another, so that a selection in it survives. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of `parent` one per item, in order. An item that was there keeps its element, which `update` brings up
 * to date; so focus, selection and scrolling stay where they are.
 */
export function keyed<Item, Made extends Element>(
  parent: Element,
  items: readonly Item[],
  how: {
    readonly key: (item: Item) => string;
    readonly create: (item: Item) => Made;
    readonly update: (element: Made, item: Item) => void;
    readonly made: Map<string, Made>;
  },
): void {
  const wanted = new Set(items.map(how.key));
  for (const [key, element] of how.made) {
    if (wanted.has(key)) continue;
    element.remove();
    how.made.delete(key);
  }
  items.forEach((item, index) => {
    const key = how.key(item);
    let element = how.made.get(key);
    if (element === undefined) {
      element = how.create(item);
      how.made.set(key, element);
    }
    how.update(element, item);
    const here = parent.children[index] ?? null;
    if (here !== element) parent.insertBefore(element, here);
  });
}

function filled<Made extends Element>(
  element: Made,
  attributes: Attributes,
  children: readonly Child[],
): Made {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.replace(/^on/, ''), value);
    else if (name.startsWith('on')) throw new Error(`${name} takes a function`);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, String(value));
    }
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children: readonly Child[]): (Node | string)[] {
  return children.flatMap((child): (Node | string)[] => {
    if (child === null || child === undefined || child === false) return [];
    if (typeof child === 'number') return [String(child)];
    if (typeof child === 'string' || child instanceof Node) return [child];
    return nodes(child);
  });
}
