// What a run of tests brings into a container engine that is the user's: taken out again, or put back as it was, when the run ends. What the engine had before stays.

/** One request of the engine's interface, answered. */
export type EngineRequest = (method: string, path: string) => Promise<{ readonly status: number; readonly body: string }>;

interface Container {
  readonly Id: string;
  readonly ImageID: string;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, { readonly NetworkID: string }>> };
}

/** What testcontainers marks its own with. */
const LABEL = 'org.testcontainers';

/** A run as the engine's guest. */
export class EngineVisit {
  readonly #ask: EngineRequest;
  /** The images that references meant before the run; undefined where there was none. */
  readonly #before = new Map<string, string | undefined>();
  #containers: ReadonlySet<string> | undefined;
  #networks: ReadonlySet<string> = new Set();

  constructor(ask: EngineRequest) {
    this.#ask = ask;
  }

  /** Notes what the engine has under a reference; to be called before it is loaded or pulled. */
  async remember(reference: string): Promise<void> {
    if (this.#containers === undefined) {
      this.#containers = new Set((await this.#list()).map(({ Id }) => Id));
      this.#networks = new Set((JSON.parse(await this.#must('GET', '/networks')) as { Id: string }[]).map(({ Id }) => Id));
    }
    if (!this.#before.has(reference)) this.#before.set(reference, await this.#imageOf(reference));
  }

  /** Removes what is new: containers of the images that were brought (a run that was killed leaves them), their networks, then the images. */
  async end(): Promise<void> {
    if (this.#containers === undefined) return;
    const images = new Set((await Promise.all([...this.#before.keys()].map((reference) => this.#imageOf(reference)))).filter((id) => id !== undefined));
    const left = (await this.#list()).filter(({ Id, ImageID, Labels }) => this.#containers?.has(Id) === false && Labels?.[LABEL] === 'true' && images.has(bare(ImageID)));
    for (const { Id } of left) await this.#must('DELETE', `/containers/${Id}?force=true&v=true`);
    const networks = left.flatMap(({ NetworkSettings }) => Object.entries(NetworkSettings?.Networks ?? {})).map(([name, { NetworkID }]) => NetworkID || name);
    for (const network of new Set(networks)) await this.#removeNetwork(network);
    for (const [reference, before] of this.#before) await this.#restore(reference, before);
  }

  async #removeNetwork(name: string): Promise<void> {
    const { status, body } = await this.#ask('GET', `/networks/${encodeURIComponent(name)}`);
    if (status !== 200) return;
    const { Id } = JSON.parse(body) as { Id: string };
    if (!this.#networks.has(Id)) await this.#must('DELETE', `/networks/${Id}`);
  }

  /** A reference means again what it meant before. */
  async #restore(reference: string, before: string | undefined): Promise<void> {
    const now = await this.#imageOf(reference);
    if (now === undefined || now === before) return;
    if (before === undefined) {
      await this.#must('DELETE', `/images/${reference}`);
      return;
    }
    const colon = reference.lastIndexOf(':');
    await this.#must('POST', `/images/${before}/tag?repo=${encodeURIComponent(reference.slice(0, colon))}&tag=${encodeURIComponent(reference.slice(colon + 1))}`);
    await this.#must('DELETE', `/images/${now}`);
  }

  async #imageOf(reference: string): Promise<string | undefined> {
    const { status, body } = await this.#ask('GET', `/images/${reference}/json`);
    return status === 200 ? bare((JSON.parse(body) as { Id: string }).Id) : undefined;
  }

  async #list(): Promise<Container[]> {
    return JSON.parse(await this.#must('GET', '/containers/json?all=true')) as Container[];
  }

  async #must(method: string, path: string): Promise<string> {
    const { status, body } = await this.#ask(method, path);
    // What is gone already needs no removal.
    if (status >= 400 && !(method === 'DELETE' && status === 404)) throw new Error(`the container engine refuses ${method} ${path}, so this run may have left something in it: ${body.trim().slice(0, 200)}`);
    return body;
  }
}

/** Engines write the same digest with its algorithm or without. */
function bare(id: string): string {
  return id.replace(/^sha256:/, '');
}
