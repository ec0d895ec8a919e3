// The 32-bit Mersenne Twister (MT19937) of Matsumoto and Nishimura: a sequence that depends on its seed alone, so that all proxies draw the same.

const SIZE = 624;
const MIDDLE = 397;

/** A generator. */
export class MersenneTwister {
  readonly #state = new Uint32Array(SIZE);
  #index = SIZE;

  constructor(seed: number) {
    const state = this.#state;
    state[0] = seed;
    for (let index = 1; index < SIZE; index += 1) {
      const before = state[index - 1] ?? 0;
      state[index] = Math.imul(1_812_433_253, before ^ (before >>> 30)) + index;
    }
  }

  /** The next 32 bits. */
  next(): number {
    if (this.#index >= SIZE) this.#refill();
    let value = this.#state[this.#index] ?? 0;
    this.#index += 1;
    value ^= value >>> 11;
    value ^= (value << 7) & 0x9d2c5680;
    value ^= (value << 15) & 0xefc60000;
    return (value ^ (value >>> 18)) >>> 0;
  }

  /** A number from 0 to `limit` - 1, each as likely. */
  below(limit: number): number {
    const bucket = Math.floor(0x1_0000_0000 / limit);
    for (;;) {
      const value = Math.floor(this.next() / bucket);
      if (value < limit) return value;
    }
  }

  #refill(): void {
    const state = this.#state;
    for (let index = 0; index < SIZE; index += 1) {
      const bits = ((state[index] ?? 0) & 0x80000000) | ((state[(index + 1) % SIZE] ?? 0) & 0x7fffffff);
      state[index] = (state[(index + MIDDLE) % SIZE] ?? 0) ^ (bits >>> 1) ^ ((bits & 1) * 0x9908b0df);
    }
    this.#index = 0;
  }
}
