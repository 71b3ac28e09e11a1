/**
 * The memory that a node and one of its threads share, so that neither has to wait for the other's event loop.
 *
 * A **slot** per work in the thread says whether it has begun. The thread claims a slot before it begins, the node revokes
 * it by the same compare-and-set, so work waiting behind a blocked event loop can be taken back and never runs twice.
 * The **ring** carries what the thread reports, as text. What is in it survives the thread: a task that finished just
 * before a mate ran out of memory has finished. The **bell** is a flag: only the first report after the node has read the
 * ring costs a message, so batches form exactly when the node is busy.
 */
export class LaneMemory {
  readonly buffer: SharedArrayBuffer;
  readonly slots: number;
  readonly #words: Int32Array;
  readonly #startedAt: Float64Array;
  readonly #ring: Buffer;
  readonly #lengths: DataView;

  constructor(slots: number, buffer?: SharedArrayBuffer) {
    const ringAt = headerBytes + slots * 16;
    this.slots = slots;
    this.buffer = buffer ?? new SharedArrayBuffer(ringAt + ringBytes);
    this.#startedAt = new Float64Array(this.buffer, headerBytes, slots);
    this.#words = new Int32Array(this.buffer);
    this.#ring = Buffer.from(this.buffer, ringAt, ringBytes);
    this.#lengths = new DataView(this.buffer, ringAt, ringBytes);
  }

  /** Node: the work in this slot is on its way. */
  offer(slot: number): void {
    Atomics.store(this.#words, this.#slotAt(slot), offered);
  }

  /** Thread: true when the work is still this thread's to begin. */
  claim(slot: number, at: number): boolean {
    this.#startedAt[slot] = at;
    return this.#change(slot, offered, claimed);
  }

  /** Node: true when the work had not begun and now never will, here. */
  revoke(slot: number): boolean {
    return this.#change(slot, offered, revoked);
  }

  /** Node: when the work in this slot began, or null. */
  startedAt(slot: number): number | null {
    if (Atomics.load(this.#words, this.#slotAt(slot)) !== claimed) return null;
    return this.#startedAt[slot] ?? null;
  }

  /** Thread: false when it does not fit now, or when what did not fit before is not read yet, so that order is kept. */
  write(text: string): boolean {
    if (Atomics.load(this.#words, postedAt) !== Atomics.load(this.#words, receivedAt)) return false;
    // Three bytes is the most that UTF-8 takes for one UTF-16 unit; rounded up to whole words.
    const most = (4 + text.length * 3 + 3) & ~3;
    if (most > ringBytes / 2) return false;
    let head = Atomics.load(this.#words, headAt);
    const used = (head - Atomics.load(this.#words, tailAt)) | 0;
    const toEnd = ringBytes - (head & ringMask);
    if (used + most + (toEnd < most ? toEnd : 0) > ringBytes) return false;
    if (toEnd < most) {
      this.#lengths.setInt32(head & ringMask, wrapped);
      head = (head + toEnd) | 0;
    }
    const at = head & ringMask;
    const length = this.#ring.write(text, at + 4, 'utf8');
    this.#lengths.setInt32(at, length);
    Atomics.store(this.#words, headAt, (head + 4 + ((length + 3) & ~3)) | 0);
    return true;
  }

  /** Node: the next report, or null. */
  read(): string | null {
    let tail = Atomics.load(this.#words, tailAt);
    if (tail === Atomics.load(this.#words, headAt)) return null;
    let length = this.#lengths.getInt32(tail & ringMask);
    if (length === wrapped) {
      tail = (tail + ringBytes - (tail & ringMask)) | 0;
      length = this.#lengths.getInt32(tail & ringMask);
    }
    const at = (tail & ringMask) + 4;
    const text = this.#ring.toString('utf8', at, at + length);
    Atomics.store(this.#words, tailAt, (tail + 4 + ((length + 3) & ~3)) | 0);
    return text;
  }

  /** Thread: true when the node has to be told that there is something to read. */
  ring(): boolean {
    return Atomics.exchange(this.#words, bellAt, 1) === 0;
  }

  /** Node: before reading, so that a report written meanwhile rings again. */
  hush(): void {
    Atomics.store(this.#words, bellAt, 0);
  }

  /** Thread: counts a report that went by message. */
  posted(): void {
    Atomics.add(this.#words, postedAt, 1);
  }

  /** Node: counts it as read. */
  received(): void {
    Atomics.add(this.#words, receivedAt, 1);
  }

  #change(slot: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, this.#slotAt(slot), from, to) === from;
  }

  #slotAt(slot: number): number {
    return (headerBytes + this.slots * 8) / 4 + slot;
  }
}

const [headAt, tailAt, bellAt, postedAt, receivedAt] = [0, 1, 2, 3, 4];
const headerBytes = 64;
/** A power of two, so that positions may count on past 2^31. */
const ringBytes = 256 * 1024;
const ringMask = ringBytes - 1;
const wrapped = -1;
const [offered, claimed, revoked] = [1, 2, 3];
